from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import alert_ingest
from tests.alerts import line, lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def utm(make):
    return make.customer_with_utm(make.tenant())[1]


@pytest.fixture
def arrive(engine):
    def store(utm, found, *, commit=True):
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            receipt = alert_ingest.store(session, sender, found, now=NOW, retention_months=13)
            if commit:
                session.commit()
        return receipt

    return store


def counts(make) -> dict:
    rows = make.session.execute(text("SELECT day::text, function, level, count FROM alert_daily ORDER BY 1, 2, 3"))
    return {tuple(row[:3]): row[3] for row in rows}


def test_a_line_twice_in_one_body_is_stored_once(make, arrive, utm):
    one = line(at=NOW)

    receipt = arrive(utm, [(1, one), (2, one)])

    assert (receipt.stored, receipt.duplicate) == (1, 1)
    assert counts(make) == {("2026-11-22", "ips", "low"): 1}


def test_two_utms_may_use_one_alert_id(make, arrive, utm):
    other = make.customer_with_utm(make.tenant())[1]

    assert arrive(utm, lines(5, at=NOW)).stored == 5
    assert arrive(other, lines(5, at=NOW)).stored == 5


def test_days_are_counted_in_tokyo(make, arrive, utm):
    before = line(1, at=datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC), alert_severity="high")
    after = line(2, at=datetime(2026, 11, 20, 15, 0, 0, tzinfo=UTC))

    arrive(utm, [(1, before), (2, after)])

    assert counts(make) == {("2026-11-20", "ips", "high"): 1, ("2026-11-21", "ips", "low"): 1}


def test_a_month_that_has_no_partition_gets_one(make, arrive, utm):
    month = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)  # in Tokyo the first of April

    arrive(utm, [(1, line(at=month))])

    assert make.session.scalar(text("SELECT tableoid::regclass::text FROM alert")) == "alert_202604"


def test_what_is_rolled_back_leaves_nothing(make, arrive, utm):
    arrive(utm, lines(5, at=NOW), commit=False)

    assert make.session.scalar(text("SELECT count(*) FROM alert")) == 0
    assert counts(make) == {}


def test_bodies_that_overlap_side_by_side_store_each_line_once(make, arrive, utm):
    bodies = [lines(400, at=NOW - timedelta(seconds=100 * number)) for number in range(6)]

    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda body: arrive(utm, body), bodies))

    rows = make.session.scalar(text("SELECT count(*) FROM alert"))
    assert sum(receipt.stored for receipt in receipts) == rows == sum(counts(make).values())


def test_several_bodies_in_one_transaction_are_each_counted(engine, utm, make):
    sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        stored = [
            alert_ingest.store(session, sender, lines(3, at=NOW - timedelta(hours=hour)), now=NOW, retention_months=13)
            for hour in (0, 1)
        ]
        session.commit()

    assert [receipt.stored for receipt in stored] == [3, 3]
    assert counts(make) == {("2026-11-22", "ips", "low"): 6}
