"""How the lines of a body become rows and daily counts, and what its sender is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.alerts import ingest as alert_ingest
from models.alerts.ingest import Sender
from tests.support.alerts import line, lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
OLDEST = datetime(2025, 9, 30, 15, 0, tzinfo=UTC)
"""Thirteen whole months before November, in Tokyo."""


@pytest.fixture
def utm(ours):
    return ours.utm


def stored(make) -> int:
    return make.session.scalar(text("SELECT count(*) FROM alert"))


def counts(make) -> dict[tuple[str, str, str], int]:
    rows = make.session.execute(text("SELECT day::text, function, level, count FROM alert_daily ORDER BY 1, 2, 3"))
    return {tuple(row[:3]): row[3] for row in rows}


def told(receipt) -> tuple[int, int, int, int]:
    return receipt.received, receipt.stored, receipt.duplicate, receipt.rejected_count


def test_a_receipt_says_what_became_of_each_line(arrive, utm):
    body = [
        (1, line(1, at=NOW)),
        (2, b"nonsense"),
        (3, line(1, at=NOW)),
        (4, line(2, at=NOW, act="")),
        (7, line(3, at=NOW)),
    ]

    receipt = arrive(utm, body)

    assert told(receipt) == (5, 2, 1, 2)
    assert receipt.rejected == [(2, "not JSON"), (4, "act: missing")]


def test_an_empty_body_is_nothing(make, arrive, utm):
    assert told(arrive(utm, [])) == (0, 0, 0, 0)
    assert stored(make) == 0


def test_a_body_sent_twice_is_stored_once(make, arrive, utm):
    first, second = arrive(utm, lines(5, at=NOW)), arrive(utm, lines(5, at=NOW))

    assert (told(first), told(second)) == ((5, 5, 0, 0), (5, 0, 5, 0))
    assert (stored(make), counts(make)) == (5, {("2026-11-22", "ips", "low"): 5})


def test_a_line_twice_in_one_body_is_stored_once(make, arrive, utm):
    one = line(at=NOW)

    assert told(arrive(utm, [(1, one), (2, one)])) == (2, 1, 1, 0)
    assert counts(make) == {("2026-11-22", "ips", "low"): 1}


def test_one_time_said_in_two_ways_is_one_alert(make, arrive, utm):
    tokyo, london = line(1, at=NOW, time="2026-11-22T12:00:00+09:00"), line(1, at=NOW, time="2026-11-22T03:00:00Z")

    assert told(arrive(utm, [(1, tokyo), (2, london)])) == (2, 1, 1, 0)


def test_an_alert_id_comes_again_at_another_time(arrive, utm):
    body = [(1, line(at=NOW, alert_id="1-1")), (2, line(at=NOW - timedelta(microseconds=1), alert_id="1-1"))]

    assert arrive(utm, body).stored == 2


def test_two_utms_may_use_one_alert_id(make, arrive, ours, theirs):
    beside = make.utm(customer_row=ours.customer)

    assert [arrive(each, lines(5, at=NOW)).stored for each in (ours.utm, beside, theirs.utm)] == [5, 5, 5]


def test_tenant_and_customer_are_the_senders_whatever_a_line_says(make, arrive, utm, theirs):
    forged = {"tenant_id": theirs.tenant_id, "customer_id": theirs.customer.id, "utm_id": theirs.utm.id, "seq": 1}

    arrive(utm, [(1, line(at=NOW, **forged, device_name="other"))])

    row = make.session.execute(text("SELECT tenant_id, customer_id, utm_id, extra FROM alert")).one()
    assert row[:3] == (utm.tenant_id, utm.customer_id, utm.id)
    assert row.extra == forged | {"device_name": "other"}


def test_a_sender_of_another_tenant_than_the_sessions_is_refused(in_tenant, ours, theirs):
    sender = Sender(theirs.tenant_id, theirs.customer.id, theirs.utm.id)

    with in_tenant(ours.tenant_id) as session, pytest.raises(DBAPIError) as refused:
        alert_ingest.store(session, sender, lines(1, at=NOW), now=NOW, retention_months=13)

    assert refused.value.orig.sqlstate == "42501"


def test_the_ten_thousand_and_first_line_is_refused(arrive, utm):
    receipt = arrive(utm, lines(10_001, at=NOW))

    assert told(receipt) == (10_001, 10_000, 0, 1)
    assert receipt.rejected == [(10_001, "after the first 10000 lines")]


def test_refused_lines_count_among_the_first_ten_thousand(monkeypatch, arrive, utm):
    monkeypatch.setattr(alert_ingest, "MAX_LINES", 3)

    receipt = arrive(utm, [(1, b"{"), *((number, line(number, at=NOW)) for number in range(2, 6))])

    assert (told(receipt), [number for number, _ in receipt.rejected]) == ((5, 2, 0, 3), [1, 4, 5])


def test_a_thousand_reasons_are_told_and_the_rest_is_counted(arrive, utm):
    receipt = arrive(utm, [(number, b"{") for number in range(1, 1_501)])

    assert (receipt.rejected_count, len(receipt.rejected)) == (1_500, 1_000)
    assert receipt.rejected[-1] == (1_000, "not JSON")


def test_the_retention_time_is_whole_months_of_tokyo(arrive, utm):
    body = [(1, line(1, at=OLDEST)), (2, line(2, at=OLDEST - timedelta(microseconds=1)))]

    receipt = arrive(utm, body)

    assert (receipt.stored, receipt.rejected) == (1, [(2, "time: older than the retention period")])


def test_a_day_ahead_is_as_far_as_is_believed(arrive, utm):
    ahead = NOW + timedelta(days=1)

    receipt = arrive(utm, [(1, line(1, at=ahead)), (2, line(2, at=ahead + timedelta(microseconds=1)))])

    assert (receipt.stored, receipt.rejected) == (1, [(2, "time: more than a day ahead of the server")])


def test_counts_are_kept_by_day_function_and_level(make, arrive, utm):
    arrive(
        utm, [(1, line(1, at=NOW)), (2, line(2, at=NOW, alert_severity="high")), (3, line(3, at=NOW, type="antivirus"))]
    )
    arrive(utm, [(1, line(4, at=NOW)), (2, line(1, at=NOW))])

    assert counts(make) == {
        ("2026-11-22", "antivirus", "low"): 1,
        ("2026-11-22", "ips", "high"): 1,
        ("2026-11-22", "ips", "low"): 2,
    }


def test_days_are_counted_in_tokyo(make, arrive, utm):
    before = line(1, at=datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC), alert_severity="high")
    after = line(2, at=datetime(2026, 11, 20, 15, 0, 0, tzinfo=UTC))

    arrive(utm, [(1, before), (2, after)])

    assert counts(make) == {("2026-11-20", "ips", "high"): 1, ("2026-11-21", "ips", "low"): 1}


def test_a_month_that_has_no_partition_gets_one(make, arrive, utm):
    arrive(utm, [(1, line(1, at=datetime(2026, 3, 31, 15, 0, tzinfo=UTC)))])  # in Tokyo the first of April

    assert make.session.scalar(text("SELECT tableoid::regclass::text FROM alert")) == "alert_202604"


def test_a_body_may_span_months(make, arrive, utm):
    assert arrive(utm, lines(13, at=NOW, every=timedelta(days=31))).stored == 13
    assert make.session.scalar(text("SELECT count(DISTINCT tableoid) FROM alert")) == 13


def test_what_is_rolled_back_leaves_nothing(make, arrive, utm):
    arrive(utm, lines(5, at=NOW), commit=False)

    assert (stored(make), counts(make)) == (0, {})


def test_several_bodies_in_one_transaction_are_each_counted(in_tenant, utm, make):
    sender = Sender(utm.tenant_id, utm.customer_id, utm.id)
    with in_tenant(utm.tenant_id) as session:
        receipts = [
            alert_ingest.store(session, sender, lines(3, at=NOW - timedelta(hours=hour)), now=NOW, retention_months=13)
            for hour in (0, 1)
        ]
        session.commit()

    assert [receipt.stored for receipt in receipts] == [3, 3]
    assert counts(make) == {("2026-11-22", "ips", "low"): 6}


def test_bodies_that_overlap_side_by_side_store_each_line_once(make, arrive, utm):
    every = lines(900, at=NOW)
    bodies = [every[first : first + 400] for first in range(0, 501, 100)]

    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda body: arrive(utm, body), bodies))

    assert sum(receipt.stored for receipt in receipts) == stored(make) == 900
    assert counts(make) == {("2026-11-22", "ips", "low"): 900}


def test_the_first_bodies_of_a_day_that_come_at_once_are_all_stored(make, arrive, utm):
    for day in range(30):
        every = lines(8, at=NOW - timedelta(days=day))
        together = Barrier(8)

        def send(line, together=together):
            together.wait(10)
            return arrive(utm, [line])

        with ThreadPoolExecutor(8) as pool:
            assert sum(receipt.stored for receipt in pool.map(send, every)) == 8

    assert list(counts(make).values()) == [8] * 30


def test_bodies_with_the_same_lines_in_another_order_do_not_block_each_other(make, arrive, utm):
    body = lines(2_000, at=NOW)

    with ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(lambda found: arrive(utm, found), [body, body[::-1]] * 4))

    assert sum(receipt.stored for receipt in receipts) == stored(make) == 2_000


def test_a_connection_that_stored_alerts_keeps_none_of_them_for_the_next(engine, arrive, utm, theirs):
    arrive(utm, lines(5, at=NOW))

    assert arrive(theirs.utm, [(1, b"{"), (2, line(at=NOW))]).stored == 1
