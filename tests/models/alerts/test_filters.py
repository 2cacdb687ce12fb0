"""§7.17 フィルタ: each condition alone, several together, and the same conditions in a file."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from models.alerts import export as alert_export
from models.alerts import search as alert_search
from models.alerts.search import AlertQuery
from tests.support.alerts import NOW, names_of, store_named


@pytest.fixture
def utm(make):
    return make.customer_with_utm(make.tenant())[1]


@pytest.fixture
def arrive(engine):
    return partial(store_named, engine)


@pytest.fixture
def found(utm, in_tenant):
    """The alert IDs that meet conditions, newest first."""

    def search(**conditions):
        query = AlertQuery(utm.customer_id, NOW - timedelta(days=1), NOW, **conditions)
        with in_tenant(utm.tenant_id) as session:
            ids = [row.alert_id for row in alert_search.page(session, query).rows]
            assert alert_search.capped_count(session, query) == len(ids)
        return ids

    return search


def test_a_utm_of_several(utm, make, arrive, found):
    other = make.utm(customer_row=utm.customer)
    arrive(utm, here={})
    arrive(other, there={})

    assert (found(utm_id=utm.id), found(utm_id=other.id)) == (["here"], ["there"])


@pytest.mark.parametrize(
    ("action", "names"),
    [("Pass", ["small"]), ("BLOCK", ["large"]), ("Reset-Both", ["other"]), ("bloc", []), ("%", [])],
)
def test_an_action_is_taken_whole_in_any_case(utm, arrive, found, action, names):
    arrive(utm, small={"act": "pass"}, large={"act": "Block"}, other={"act": "reset-both"})

    assert found(action=action) == names


def test_a_level_and_the_important_ones(utm, arrive, found):
    arrive(utm, high={"alert_severity": "high"}, low={"alert_severity": "low"})

    assert (found(level="high"), found(level="low"), found(important=True)) == (["high"], ["low"], ["high"])


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("192.168.10.24/32", ["a"]),
        ("192.168.10.0/24", ["a", "b"]),
        ("192.168.0.0/16", ["a", "b", "c"]),
        ("0.0.0.0/0", ["a", "b", "c"]),
        ("10.0.0.0/8", []),
        ("2001:db8::/32", ["six"]),
        ("2001:db8::7/128", ["six"]),
    ],
)
def test_an_address_or_the_network_it_lies_in(utm, arrive, found, network, names):
    addresses = {"a": "192.168.10.24", "b": "192.168.10.25", "c": "192.168.11.24", "six": "2001:db8::7", "none": None}
    arrive(utm, **{name: {"src-ip": address, "dst-ip": address} for name, address in addresses.items()})

    assert (found(source=network), found(destination=network)) == (names, names)


def test_source_and_destination_are_two_conditions(utm, arrive, found):
    arrive(utm, out={"src-ip": "192.168.10.24", "dst-ip": "203.0.113.8"}, into={"src-ip": "203.0.113.8"})

    assert found(source="203.0.113.0/24") == ["into"]
    assert found(destination="203.0.113.0/24") == ["out", "into"]
    assert found(source="192.168.10.0/24", destination="203.0.113.0/24") == ["out"]


@pytest.mark.parametrize(
    ("alert_id", "names"),
    [
        ("1671773662-140", ["1671773662-140", "1671773662-1401"]),
        ("1671773662-", ["1671773662-140", "1671773662-1401"]),
        ("773662", []),
        ("16%", []),
        ("1671773662_", []),
        ("a_b", ["a_b"]),
        ("a/b", ["a/b"]),
    ],
)
def test_an_alert_id_or_its_beginning(utm, arrive, found, alert_id, names):
    arrive(utm, **{"1671773662-140": {}, "1671773662-1401": {}, "a_b": {}, "axb": {}, "a/b": {}})

    assert found(alert_id=alert_id) == names


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("example", ["plain", "percent", "under"]),
        ("EXAMPLE.jp/100", ["percent"]),
        ("100%", ["percent"]),
        ("a_b", ["under"]),
        ("%", ["percent"]),
        ("_", ["under"]),
        ("\\", ["backslash"]),
        ("'", ["quote"]),
        ("ログイン", ["japanese"]),
        ("/", ["plain", "percent", "under", "japanese"]),
    ],
)
def test_a_part_of_a_url_means_itself_in_any_case(utm, arrive, found, part, names):
    urls = {
        "plain": "http://www.Example.jp/axb",
        "percent": "http://example.jp/100%off",
        "under": "http://example.jp/a_b",
        "backslash": "c:\\temp",
        "quote": "it's",
        "japanese": "http://日本語.jp/ログイン",
        "none": None,
    }
    arrive(utm, **{name: {"type": "web_guard", "url": url} for name, url in urls.items()})

    assert found(url=part) == names


def test_a_threat_is_a_virus_a_threat_a_category_or_an_application(utm, arrive, found):
    arrive(
        utm,
        virus={"type": "antivirus", "virus": "EICAR-Test-File", "subject": "eicar"},
        threat={"type": "ips", "msg": "ET SCAN eicar probe"},
        category={"type": "url_filter", "cname": "Eicarギャンブル"},
        application={"type": "app_guard", "app": "eiCAR messenger"},
        other={"type": "antivirus", "virus": "別", "subject": "eicar", "file": "eicar.zip"},
    )

    assert found(threat="Eicar") == ["virus", "threat", "category", "application"]
    assert found(threat="ギャンブル") == ["category"]


def test_any_of_what_was_found_is_a_threat_whatever_the_capitals(utm, arrive, found):
    arrive(utm, several={"type": "ips", "msg": "Ä走査Б", "app": "Messenger", "cname": "chat"}, none={"msg": None})

    assert [found(threat=part) for part in ("ä走査б", "MESSENGER", "Chat", "bchat", "b\nchat")] == [
        *(["several"],) * 3,
        [],
        [],
    ]


def test_the_longest_texts_fit_the_indexes(utm, arrive, found):
    pick = random.Random(7)
    longest = {
        key: "".join(chr(pick.randrange(0x20000, 0x2A6D0)) for _ in range(limit))
        for key, limit in {
            "alert_id": 64,
            "act": 32,
            "virus": 512,
            "msg": 512,
            "cname": 512,
            "app": 512,
            "file": 512,
            "url": 2048,
        }.items()
    }
    addresses = {"src-ip": "2001:db8::7", "dst-ip": "2001:db8::8"}
    arrive(utm, row={"type": "antivirus", "alert_severity": "high", **longest, **addresses})

    for name in ("virus", "msg", "cname", "app"):
        assert [found(threat=part) for part in (longest[name][:20], longest[name][-20:])] == [[longest["alert_id"]]] * 2
    assert [found(url=part) for part in (longest["url"][:20], longest["url"][-20:])] == [[longest["alert_id"]]] * 2
    assert found(file=longest["file"][-20:]) == [longest["alert_id"]]


@pytest.mark.parametrize("length", [505, 506, 507, 512])
def test_a_part_is_found_across_the_end_of_what_is_kept_of_a_text(utm, arrive, found, length):
    arrive(utm, first={"virus": "v" * length, "msg": "Omega"}, second={"app": "oMEGA"}, third={"msg": "Omeg"})

    assert found(threat="omega") == ["first", "second"]


def test_a_part_is_found_at_the_end_of_a_url_of_many_bytes(utm, arrive, found):
    arrive(utm, first={"url": "http://xn--a/" + "あ" * 1_000 + "/Omega"}, second={"url": "http://www.example.jp/"})

    assert found(url="あ/OMEGA") == ["first"]
    assert found(url="omega", threat="omega") == []


def test_a_part_is_found_at_the_end_of_the_longest_url(utm, arrive, found):
    arrive(utm, long={"type": "web_guard", "url": "http://www.example.jp/".ljust(2_042, "x") + "/Last!"})

    assert found(url="/last!") == ["long"]


def test_a_part_of_a_file_name(utm, arrive, found):
    arrive(
        utm, one={"type": "antivirus", "file": "請求書_2026.ZIP"}, two={"type": "antivirus", "file": "請求書2026.zip"}
    )

    assert (found(file=".zip"), found(file="書_2"), found(file="見積")) == (["one", "two"], ["one"], [])


def test_all_conditions_must_hold(utm, arrive, found):
    arrive(
        utm,
        both={"act": "block", "alert_severity": "high", "msg": "走査"},
        action={"act": "block", "alert_severity": "low", "msg": "走査"},
        level={"act": "pass", "alert_severity": "high", "msg": "走査"},
        neither={"act": "pass", "alert_severity": "low", "msg": "走査"},
    )

    assert found(action="block", level="high", threat="走査") == ["both"]
    assert found(action="block", level="high", threat="走査", function="antivirus") == []


@pytest.mark.parametrize("sort", sorted(alert_search.SORT_COLUMNS))
@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_a_narrowed_list_turn_both_ways_and_lose_nothing(utm, make, arrive, in_tenant, sort, descending):
    other = make.utm(customer_row=utm.customer, name="支店")
    for each in (utm, other):
        arrive(each, **{f"id-{number}": {"act": ("pass", "block")[number % 2]} for number in range(30)})
    query = AlertQuery(utm.customer_id, NOW - timedelta(days=1), NOW, action="block")
    turned, position, pages = [], None, []

    with in_tenant(utm.tenant_id) as session:
        order = {"sort": sort, "descending": descending, "names": names_of(session, utm.customer_id)}
        while True:
            page = alert_search.page(session, query, **order, position=position, size=7)
            pages.append([row.seq for row in page.rows])
            turned += pages[-1]
            if not page.has_next:
                break
            position = alert_search.position_of(page.rows[-1], sort)
        start = alert_search.position_of(page.rows[0], sort)
        back = alert_search.page(session, query, **order, position=start, backwards=True, size=7)

    assert (len(turned), len(set(turned))) == (30, 30)
    assert [row.seq for row in back.rows] == pages[-2]


def test_a_file_holds_what_meets_the_conditions(utm, arrive, in_tenant):
    arrive(
        utm,
        wanted={"type": "web_guard", "act": "block", "url": "http://a.example/100%_'x'?a=%s&b={c}"},
        other={"type": "web_guard", "act": "pass", "url": "http://a.example/100%_'x'?a=%s&b={c}"},
        third={"type": "web_guard", "act": "block", "url": "http://a.example/100"},
    )
    query = AlertQuery(
        utm.customer_id,
        NOW - timedelta(days=1),
        NOW,
        utm_id=utm.id,
        function="web_guard",
        action="Block",
        source="192.168.0.0/16",
        url="100%_'X'?a=%S&b={c}",
    )

    with in_tenant(utm.tenant_id) as session:
        content = b"".join(alert_export.csv_blocks(session, query, utm.name)).decode("utf-8-sig")
        everything = b"".join(
            alert_export.csv_blocks(
                session, AlertQuery(utm.customer_id, query.start, query.end, utm_id=utm.id), utm.name
            )
        )

    assert [row["alert_id"] for row in csv.DictReader(io.StringIO(content))] == ["wanted"]
    assert everything.count(b"\r\n") == 4


def test_no_condition_reaches_another_tenants_alerts(utm, make, arrive, in_tenant):
    theirs = make.customer_with_utm(make.tenant())[1]
    arrive(theirs, secret={"msg": "走査"})
    query = AlertQuery(theirs.customer_id, NOW - timedelta(days=1), NOW, threat="走査")

    with in_tenant(utm.tenant_id) as session:
        assert list(alert_search.page(session, query).rows) == []
        assert alert_search.capped_count(session, query) == 0
        blocks = b"".join(alert_export.csv_blocks(session, replace(query, utm_id=theirs.id), theirs.name))
    assert blocks.count(b"\r\n") == 1  # the names of the columns
