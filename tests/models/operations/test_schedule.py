from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from models import clock
from models.operations import schedule
from models.operations.schedule import ScheduledTask

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("minutes", "moment", "following"),
    [
        (1, "2026-11-22T03:00:59.999999", "2026-11-22T03:01:00"),
        (1, "2026-11-22T03:01:00", "2026-11-22T03:02:00"),
        (1, "2026-11-22T03:01:00.000001", "2026-11-22T03:02:00"),
        (5, "2026-11-22T02:59:59", "2026-11-22T03:00:00"),
        (5, "2026-11-22T03:00:00", "2026-11-22T03:05:00"),
        (5, "2026-11-22T03:00:01", "2026-11-22T03:05:00"),
        (60, "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        (60, "2027-01-01T00:00:00", "2027-01-01T01:00:00"),
    ],
)
def test_every_so_many_minutes_is_at_full_multiples_and_never_now(minutes, moment, following):
    assert schedule.every(minutes)(utc(moment)) == utc(following)


@pytest.mark.parametrize(
    ("moment", "following"),
    [
        # 00:30 in Tokyo is 15:30 of the day before in UTC.
        ("2026-11-22T15:29:59.999999", "2026-11-22T15:30:00"),
        ("2026-11-22T15:30:00", "2026-11-23T15:30:00"),
        ("2026-11-22T15:30:00.000001", "2026-11-23T15:30:00"),
        ("2026-11-22T14:59:59", "2026-11-22T15:30:00"),
        ("2026-11-22T15:00:00", "2026-11-22T15:30:00"),
        ("2026-11-22T00:00:00", "2026-11-22T15:30:00"),
        ("2026-11-30T15:30:00", "2026-12-01T15:30:00"),
        ("2026-12-31T15:29:59", "2026-12-31T15:30:00"),
        ("2028-02-28T15:30:00", "2028-02-29T15:30:00"),
    ],
)
def test_daily_is_a_time_in_tokyo_and_never_now(moment, following):
    assert schedule.daily(0, 30)(utc(moment)) == utc(following)


@pytest.mark.parametrize(
    ("moment", "following"),
    [
        # 01:00 in Tokyo is 16:00 of the day before in UTC.
        ("2026-11-30T15:59:59.999999", "2026-11-30T16:00:00"),
        ("2026-11-30T16:00:00", "2026-12-31T16:00:00"),
        ("2026-12-15T03:00:00", "2026-12-31T16:00:00"),
        ("2026-12-31T15:00:00", "2026-12-31T16:00:00"),
        ("2028-02-29T16:00:00", "2028-03-31T16:00:00"),
    ],
)
def test_monthly_is_the_1st_in_tokyo_and_never_now(moment, following):
    assert schedule.monthly(1, 0)(utc(moment)) == utc(following)


def test_the_timetable_says_when_in_tokyo():
    after = {each.name: each.after(NOON).astimezone(clock.TOKYO).strftime("%d. %H:%M") for each in schedule.entries()}
    assert after == {
        "alert-mails": "22. 12:05",
        "comparison-companies": "23. 00:15",
        "heartbeat": "22. 12:01",
        "monthly-reports": "01. 04:00",
        "reboots": "22. 12:01",
        "mail": "22. 12:01",
        "alert-partitions": "23. 00:30",
        "alert-retention": "23. 02:00",
        "audit-heads": "23. 02:45",
        "old-links": "23. 02:30",
        "contract-shortage": "23. 06:00",
        "contract-terms": "23. 00:10",
        "imports": "22. 12:01",
        "dashboard": "22. 13:00",
        "invoices": "01. 01:00",
        "returned-mail": "22. 12:05",
        "password-requests": "22. 12:01",
        "sms": "22. 12:01",
        "unconfirmed-applications": "22. 13:00",
        "uncontracted": "23. 03:00",
        "unused-ticket-files": "23. 02:45",
    }


@pytest.fixture
def session(engine) -> Iterator[Session]:
    """A session on a timetable without rows, none of whose changes stay."""
    with Session(engine) as session:
        session.execute(delete(ScheduledTask))
        yield session
        session.rollback()


def names(entries: list[schedule.Entry]) -> list[str]:
    return sorted(each.name for each in entries)


ALL = [
    *("alert-mails", "alert-partitions", "alert-retention", "audit-heads", "comparison-companies"),
    *("contract-shortage", "contract-terms", "dashboard", "heartbeat", "imports", "invoices", "mail"),
    *("monthly-reports", "old-links", "password-requests", "reboots", "returned-mail", "sms"),
    *("unconfirmed-applications", "uncontracted", "unused-ticket-files"),
]


def test_a_new_entry_is_due_at_once_and_reconciling_again_changes_nothing(session):
    schedule.reconcile(session, now=NOON)
    assert names(schedule.claim_due(session, now=NOON)) == ALL
    session.flush()
    schedule.reconcile(session, now=NOON)
    assert schedule.claim_due(session, now=NOON) == []


def test_a_row_is_due_at_its_time_and_not_before(session):
    session.add(ScheduledTask(name="heartbeat", next_run_at=NOON))
    session.flush()
    assert schedule.claim_due(session, now=utc("2026-11-22T02:59:59.999999")) == []
    assert names(schedule.claim_due(session, now=NOON)) == ["heartbeat"]


def test_what_was_due_for_days_is_taken_once(session):
    session.add(ScheduledTask(name="heartbeat", next_run_at=utc("2026-11-17T03:00:00")))
    session.add(ScheduledTask(name="alert-retention", next_run_at=utc("2026-11-17T17:00:00")))
    session.flush()
    assert names(schedule.claim_due(session, now=NOON)) == ["alert-retention", "heartbeat"]
    session.flush()
    assert schedule.claim_due(session, now=NOON) == []
    assert session.get(ScheduledTask, "heartbeat").next_run_at == utc("2026-11-22T03:01:00")
    assert session.get(ScheduledTask, "alert-retention").next_run_at == utc("2026-11-22T17:00:00")
    assert session.get(ScheduledTask, "alert-retention").last_claimed_at == NOON


def test_a_row_whose_entry_is_gone_is_never_claimed(session):
    session.add(ScheduledTask(name="of an older version", next_run_at=NOON))
    session.flush()
    assert schedule.claim_due(session, now=NOON) == []
    schedule.record_finished(session, "of no version", now=NOON, error=None)


def test_how_a_run_went_is_noted(session):
    schedule.reconcile(session, now=NOON)
    schedule.record_finished(session, "heartbeat", now=NOON, error="OperationalError", took=timedelta(seconds=2.5))
    task = session.get(ScheduledTask, "heartbeat")
    assert (task.last_finished_at, task.last_error, task.last_run_ms) == (NOON, "OperationalError", 2500)
    schedule.record_finished(session, "heartbeat", now=NOON, error=None)
    assert task.last_error is None


def test_an_entry_is_found_by_its_name():
    assert schedule.entry("heartbeat").job == "jobs.heartbeat.beat"
    with pytest.raises(KeyError):
        schedule.entry("of no version")
