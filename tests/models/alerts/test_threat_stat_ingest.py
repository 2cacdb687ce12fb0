"""How the statistics of a body are stored, and what its sender is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.alerts import threat_stat_ingest
from models.alerts.ingest import Sender

NOW = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
HOUR = {"hour": "2026-11-22T11:00:00+09:00", "function": "url_filter", "category": "ギャンブル", "count": 3}


@pytest.fixture
def send(engine, ours):
    """Let statistics arrive from our UTM: ``send({"count": 4}, b"raw")``."""

    def store(*lines: dict | bytes, now: datetime = NOW):
        raw = [line if isinstance(line, bytes) else json.dumps(HOUR | line).encode() for line in lines]
        with Session(engine, info={"tenant_scope": ours.tenant_id}) as session:
            sender = Sender(ours.tenant_id, ours.customer.id, ours.utm.id)
            receipt = threat_stat_ingest.store(session, sender, enumerate(raw, 1), now=now, retention_months=13)
            session.commit()
        return receipt

    return store


def stored(make) -> list[tuple]:
    return make.session.execute(
        text("SELECT customer_id, hour, function, category, count FROM threat_stat ORDER BY 2, 3, 4")
    ).all()


def told(receipt) -> tuple[int, int, int, int]:
    return receipt.received, receipt.stored, receipt.duplicate, receipt.rejected_count


def test_the_number_sent_last_is_kept(make, ours, send):
    first, same, later = send({}, {"category": "SNS", "count": 1}), send({}), send({"count": 2}, {"count": 9})

    assert [told(each) for each in (first, same, later)] == [(2, 2, 0, 0), (1, 0, 1, 0), (2, 1, 1, 0)]
    hour = datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert [tuple(row) for row in stored(make)] == [
        (ours.customer.id, hour, "url_filter", "SNS", 1),
        (ours.customer.id, hour, "url_filter", "ギャンブル", 9),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense", "not JSON"),
        ({"hour": None}, "hour: missing"),
        ({"hour": "today"}, "hour: not an ISO 8601 string"),
        ({"hour": "2026-11-22T11:30:00+09:00"}, "hour: not a full hour"),
        ({"hour": "2025-09-30T14:00:00Z"}, "hour: older than the retention period"),
        ({"hour": "2026-11-23T04:00:00Z"}, "hour: more than a day ahead of the server"),
        ({"function": "firewall"}, "function: not one of antivirus, ips, web_guard, url_filter, app_guard"),
        ({"function": ["ips"]}, "function: not one of antivirus, ips, web_guard, url_filter, app_guard"),
        ({"category": ""}, "category: missing"),
        ({"category": "x" * 256}, "category: longer than 255 characters"),
        ({"category": "a\0b"}, "category: contains a NUL character"),
        ({"category": "\ud800"}, "category: contains a lone surrogate"),
        ({"count": -1}, "count: not a whole number from 0 to 2000000000"),
        ({"count": True}, "count: not a whole number from 0 to 2000000000"),
        ({"count": 10**12}, "count: not a whole number from 0 to 2000000000"),
        ({"tenant_id": "T8000000"}, "unknown key"),
    ],
)
def test_a_bad_line_is_told_and_does_not_affect_the_good_one(make, send, line, reason):
    receipt = send(line, {})

    assert (receipt.rejected, receipt.stored) == ([(1, reason)], 1)


def test_the_earliest_and_the_latest_hour_are_stored(send):
    assert told(send({"hour": "2025-09-30T15:00:00Z"}, {"hour": "2026-11-23T03:00:00Z"})) == (2, 2, 0, 0)


def test_a_full_body_is_stored_and_the_rest_refused(send):
    start = datetime(2026, 11, 1, tzinfo=UTC)
    full = [
        {"hour": (start + timedelta(hours=number % 500)).isoformat(), "category": f"c{number // 500}"}
        for number in range(10_001)
    ]

    receipt = send(*full)

    assert told(receipt) == (10_001, 10_000, 0, 1)
    assert receipt.rejected == [(10_001, "after the first 10000 lines")]
