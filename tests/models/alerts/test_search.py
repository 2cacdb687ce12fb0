"""§7.17: pages of alerts in every order, what a period holds, and how many there are."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from models.actor import SYSTEM
from models.alerts import counts
from models.alerts import search as alert_search
from models.alerts.search import AlertQuery
from models.utms import utm
from tests.support.alerts import line, lines, names_of

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
VALUE = {
    "alert_id": lambda row: row.alert_id,
    "occurred_at": lambda row: row.occurred_at,
    "utm": lambda row: row.utm_name,
    "function": lambda row: row.function,
    "action": lambda row: row.action,
    "level": lambda row: row.level,
}


@pytest.fixture
def query(ours) -> AlertQuery:
    return AlertQuery(ours.customer.id, NOW - timedelta(days=31), NOW + timedelta(days=1))


@pytest.fixture
def session(in_tenant, ours):
    with in_tenant(ours.tenant_id) as session:
        yield session


@pytest.fixture
def ties(make, ours, arrive) -> int:
    """Alerts of three UTMs, two of one name, with few different values: the same times and alert IDs at each UTM."""
    others = [make.utm(customer_row=ours.customer, name=name) for name in ("same name", "same name")]
    values = itertools.product(("ips", "antivirus"), ("pass", "block"), ("high", "low"))
    body = [
        (
            number,
            line(
                at=NOW - timedelta(days=number % 3),
                alert_id=f"{number // 3}",
                type=function,
                act=act,
                alert_severity=level,
            ),
        )
        for number, (function, act, level) in enumerate(
            itertools.chain.from_iterable(itertools.repeat(tuple(values), 2))
        )
    ]
    return sum(arrive(each, body).stored for each in (ours.utm, *others))


def walk(session, query, sort, *, descending, size=7, position=None, backwards=False) -> list[list]:
    """The pages one sees who turns them to the end."""
    pages = []
    while True:
        page = alert_search.page(
            session,
            query,
            sort=sort,
            descending=descending,
            position=position,
            backwards=backwards,
            size=size,
            names=names_of(session, query.customer_id),
        )
        pages.append(page.rows)
        if not (page.has_previous if backwards else page.has_next):
            return pages[::-1] if backwards else pages
        position = alert_search.position_of(page.rows[0 if backwards else -1], sort)


def places(pages) -> list[int]:
    return [row.seq for page in pages for row in page]


orders = pytest.mark.parametrize("sort", alert_search.SORT_COLUMNS)
directions = pytest.mark.parametrize("descending", [True, False], ids=["descending", "ascending"])
searches = pytest.mark.parametrize("important", [False, True], ids=["all", "important"])


def test_there_are_ties_in_every_column(session, query, ties):
    rows = alert_search.page(session, query, sort="utm", size=100, names=names_of(session, query.customer_id)).rows

    assert len(rows) == ties == 48
    assert {sort: len({value(row) for row in rows}) for sort, value in VALUE.items()} == {
        "alert_id": 6,
        "occurred_at": 3,
        "utm": 2,
        "function": 2,
        "action": 2,
        "level": 2,
    }


@orders
@directions
@searches
def test_turning_pages_shows_every_alert_once_and_in_order(session, query, ties, sort, descending, important):
    query = AlertQuery(query.customer_id, query.start, query.end, important=important)
    rows = alert_search.page(session, query, sort=sort, size=100, names=names_of(session, query.customer_id)).rows
    in_order = sorted(rows, key=lambda row: (VALUE[sort](row), row.occurred_at, row.seq), reverse=descending)

    pages = walk(session, query, sort, descending=descending)

    assert places(pages) == [row.seq for row in in_order]
    assert {len(page) for page in pages[:-1]} == {7}


@orders
@directions
@searches
def test_turning_back_shows_the_same_pages(session, query, ties, sort, descending, important):
    query = AlertQuery(query.customer_id, query.start, query.end, important=important)
    forward = walk(session, query, sort, descending=descending)
    last = alert_search.position_of(forward[-1][-1], sort)

    back = walk(session, query, sort, descending=descending, position=last, backwards=True)

    assert places(back) == places(forward)[:-1]


@pytest.mark.parametrize(
    ("count", "page", "around"),
    [
        (0, 1, (False, False)),
        (1, 1, (False, False)),
        (7, 1, (False, False)),
        (8, 1, (False, True)),
        (8, 2, (True, False)),
        (21, 2, (True, True)),
        (21, 3, (True, False)),
    ],
)
def test_a_page_knows_what_is_around_it(session, query, ours, arrive, count, page, around):
    arrive(ours.utm, lines(count, at=NOW))
    position = None

    for _ in range(page):
        found = alert_search.page(session, query, position=position, size=7)
        position = alert_search.position_of(found.rows[-1], "occurred_at") if found.rows else None

    assert (found.has_previous, found.has_next) == around


@pytest.mark.parametrize(
    ("place", "shown", "around"), [(7, 7, (False, True)), (8, 7, (True, True)), (3, 3, (False, True))]
)
def test_a_page_turned_back_to_knows_what_is_around_it(session, query, ours, arrive, place, shown, around):
    arrive(ours.utm, lines(21, at=NOW))
    position = alert_search.position_of(alert_search.page(session, query).rows[place], "occurred_at")

    found = alert_search.page(session, query, position=position, backwards=True, size=7)

    assert (len(found.rows), found.has_previous, found.has_next) == (shown, *around)


def test_an_alert_that_arrives_meanwhile_moves_no_other(session, query, ours, arrive):
    arrive(ours.utm, lines(14, at=NOW - timedelta(hours=1)))
    first = alert_search.page(session, query, size=7)
    session.commit()

    arrive(ours.utm, lines(3, at=NOW))
    second = alert_search.page(session, query, position=alert_search.position_of(first.rows[-1], "occurred_at"), size=7)

    assert [row.occurred_at for row in second.rows] == [
        NOW - timedelta(hours=1, seconds=number) for number in range(7, 14)
    ]


def test_a_period_has_its_first_moment_and_not_its_last(session, query, ours, arrive):
    moments = {"before": query.start - MOMENT, "first": query.start, "last": query.end - MOMENT, "after": query.end}
    arrive(
        ours.utm,
        [(number, line(at=at, alert_id=name)) for number, (name, at) in enumerate(moments.items())],
        now=NOW + timedelta(days=1),
    )

    assert [row.alert_id for row in alert_search.page(session, query).rows] == ["last", "first"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({}, ["3", "2", "1", "0"]),
        ({"function": "ips"}, ["1", "0"]),
        ({"important": True}, ["2", "0"]),
        ({"function": "ips", "important": True}, ["0"]),
        ({"function": "app_guard"}, []),
    ],
)
def test_one_function_and_only_important_ones(session, query, ours, arrive, condition, found):
    kinds = itertools.product(("ips", "antivirus"), ("high", "low"))
    arrive(
        ours.utm,
        [
            (number, line(at=NOW + number * MOMENT, alert_id=str(number), type=function, alert_severity=level))
            for number, (function, level) in enumerate(kinds)
        ],
    )

    page = alert_search.page(session, AlertQuery(query.customer_id, query.start, query.end, **condition))

    assert [row.alert_id for row in page.rows] == found


def test_alerts_of_a_removed_utm_are_still_found(make, session, query, ours, arrive):
    arrive(ours.utm, lines(2, at=NOW))
    utm.remove(make.session, make.session.merge(ours.utm), now=NOW, by=SYSTEM)
    make.session.commit()

    page = alert_search.page(session, query)

    assert [row.utm_id for row in page.rows] == [ours.utm.id] * 2
    day = date(2026, 11, 22)
    assert counts.counts_by_utm(session, first=day, last=day, customer_id=ours.customer.id) == {ours.utm.id: 2}


def test_another_customers_alerts_are_not_found(make, session, query, ours, theirs, arrive):
    beside = make.utm(customer_row=make.customer(tenant_id=ours.tenant_id))
    for each in (beside, theirs.utm):
        arrive(each, lines(2, at=NOW))

    assert alert_search.page(session, query).rows == []
    assert alert_search.page(session, AlertQuery(theirs.customer.id, query.start, query.end)).rows == []


@pytest.mark.parametrize(
    ("stored", "counted"), [(0, 0), (1_001, 1_001), (10_000, 10_000), (10_001, 10_001), (10_002, 10_001)]
)
def test_alerts_are_counted_to_one_past_ten_thousand(session, query, ours, arrive, stored, counted):
    # A body has up to 10,000 lines.
    arrive(ours.utm, lines(min(stored, 9_000), at=NOW))
    arrive(ours.utm, lines(max(stored - 9_000, 0), at=NOW - timedelta(days=1)))
    arrive(ours.utm, lines(3, at=NOW - timedelta(days=2), act="block"))

    assert alert_search.capped_count(session, replace(query, action="PASS")) == counted
    assert alert_search.page(session, replace(query, action="PASS")).count == counted


def test_a_first_page_counts_what_a_part_of_a_text_is_found_in(session, query, ours, arrive):
    arrive(ours.utm, lines(60, at=NOW, msg="Port scan"))
    arrive(ours.utm, lines(3, at=NOW - timedelta(days=1), msg="Other"))

    found = alert_search.page(session, replace(query, threat="scan"))

    assert (len(found.rows), found.count, found.has_next) == (50, 60, True)


def test_a_row_says_what_was_found_and_from_where_to_where(session, query, ours, arrive):
    values = [
        {"type": "antivirus", "virus": "EICAR", "url": "http://a.example/"},
        {"type": "ips", "msg": "x" * 201},
        {"type": "url_filter", "url": "http://a.example/"},
        {"type": "app_guard", "app": "Chat", "src-ip": "2001:db8::1", "dst-ip": None},
        {"type": "web_guard"},
    ]
    arrive(ours.utm, [(number, line(number, at=NOW - number * MOMENT, **each)) for number, each in enumerate(values)])

    rows = alert_search.page(session, query).rows

    there = ("192.168.10.24", "203.0.113.8")
    assert [(row.found, row.source, row.destination) for row in rows] == [
        ("EICAR", *there),
        ("x" * 200, *there),
        ("http://a.example/", *there),
        ("Chat", "2001:db8::1", None),
        (None, *there),
    ]
