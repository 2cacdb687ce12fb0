"""The first alerts of a month that nobody has made a partition for, however many come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.alerts import ingest as alert_ingest
from models.alerts.ingest import Sender
from tests.support.alerts import line

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MONTHS = ("202607", "202608")


@pytest.fixture
def without_months(make):
    """No partition for two months, as before the first alert of an old log is sent."""

    def drop():
        for month in MONTHS:
            make.session.execute(text("SELECT drop_alert_partition(to_date(:month, 'YYYYMM'))"), {"month": month})
        make.session.commit()

    drop()
    yield
    drop()


def body(number: int, months: tuple[int, ...]) -> list[tuple[int, bytes]]:
    at = [datetime(2026, month, 10, 3, 0, tzinfo=UTC) for month in months]
    return [(index, line(number, at=moment)) for index, moment in enumerate(at, 1)]


def send(engine, utm, together, lines) -> int:
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        session.execute(text("SELECT 1"))
        sender = Sender(utm.tenant_id, utm.customer_id, utm.id)
        together.wait(10)
        receipt = alert_ingest.store(session, sender, lines, now=NOW, retention_months=13)
        session.commit()
    return receipt.stored


@pytest.mark.parametrize(
    "months", [(7,), (7, 8), (7, 11)], ids=["a new month", "two new months", "a new and an old one"]
)
def test_bodies_of_a_new_month_that_come_at_once_are_all_stored(engine, make, ours, without_months, months):
    together = Barrier(8)

    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda number: send(engine, ours.utm, together, body(number, months)), range(8)))

    assert stored == [len(months)] * 8
    assert make.session.scalar(text("SELECT count(*) FROM alert")) == 8 * len(months)


def test_a_body_does_not_wait_for_another_that_is_about_to_commit_in_a_month_there_is(engine, ours):
    sender = Sender(ours.tenant_id, ours.customer.id, ours.utm.id)
    with Session(engine, info={"tenant_scope": ours.tenant_id}) as first:
        alert_ingest.store(first, sender, body(1, (11,)), now=NOW, retention_months=13)
        with Session(engine, info={"tenant_scope": ours.tenant_id}) as second:
            second.execute(text("SET LOCAL lock_timeout = '2s'"))
            receipt = alert_ingest.store(
                second, sender, [(1, line(2, at=NOW, type="antivirus"))], now=NOW, retention_months=13
            )

    assert receipt.stored == 1
