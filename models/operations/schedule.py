"""The schedule of recurring jobs (in Asia/Tokyo). RQ's cron triggers a check each minute; the rows decide what runs.

Concurrent checks are safe: a due row is claimed with SKIP LOCKED and rescheduled in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import DateTime, String, Text, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock
from models.db import Base

AGAIN_AFTER = timedelta(minutes=10)
"""The delay before an unsuccessful run is repeated, whether it failed, its worker was killed or Redis lost it. Longer
than ``jobs.queues.JOB_TIMEOUT``, so that a running job is not repeated."""


class ScheduledTask(Base):
    """The next run and the last outcome of an entry of the schedule."""

    __tablename__ = "scheduled_task"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    next_run_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
    # The duration of the last finished run in milliseconds.
    last_run_ms: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the schedule, declared in the module of its job.

    :param name: the primary key of its row.
    :param label: the name on the jobs screen, marked for translation.
    :param job: the dotted path of the job's function.
    :param after: returns the next run strictly after a time.
    :param queue: the queue to enqueue it in.
    """

    name: str
    label: str
    job: str
    after: Callable[[datetime], datetime]
    queue: str = "periodic"


def every(minutes: int) -> Callable[[datetime], datetime]:
    """Return a function for running at multiples of a number of minutes."""
    step = minutes * 60

    def after(moment: datetime) -> datetime:
        return datetime.fromtimestamp((int(moment.timestamp()) // step + 1) * step, moment.tzinfo)

    return after


def daily(hour: int, minute: int) -> Callable[[datetime], datetime]:
    """Return a function for running once a day at a time in Tokyo."""

    def after(moment: datetime) -> datetime:
        day = clock.tokyo_day(moment)
        at = datetime.combine(day, time(hour, minute), clock.TOKYO)
        return at if at > moment else datetime.combine(day + timedelta(days=1), time(hour, minute), clock.TOKYO)

    return after


def monthly(hour: int, minute: int) -> Callable[[datetime], datetime]:
    """Return a function for running on the 1st of each month at a time in Tokyo."""

    def after(moment: datetime) -> datetime:
        day = clock.month_start(clock.tokyo_day(moment))
        at = datetime.combine(day, time(hour, minute), clock.TOKYO)
        return at if at > moment else datetime.combine(clock.next_month(day), time(hour, minute), clock.TOKYO)

    return after


_entries: dict[str, Entry] = {}


def install(entries: Iterable[Entry]) -> None:
    """Register the entries of all jobs. A row without an entry is never claimed.

    :raises ValueError: two entries have the same name.
    """
    by_name: dict[str, Entry] = {}
    for each in entries:
        if by_name.setdefault(each.name, each) is not each:
            raise ValueError(f"Two entries of the schedule are named {each.name}.")
    _entries.clear()
    _entries.update(by_name)


def entries() -> list[Entry]:
    """Return all entries, sorted by name."""
    return sorted(_entries.values(), key=lambda each: each.name)


def entry(name: str) -> Entry:
    """Return the entry with a name.

    :raises KeyError: there is none.
    """
    return _entries[name]


def reconcile(session: Session, *, now: datetime) -> None:
    """Insert missing rows for all entries. A new one is due at once."""
    for each in entries():
        session.execute(insert(ScheduledTask).values(name=each.name, next_run_at=now).on_conflict_do_nothing())


def claim_due(session: Session, *, now: datetime) -> list[Entry]:
    """Claim the due entries and reschedule them, in the caller's transaction.

    An entry that became due several times since the last check is claimed once.
    """
    due = session.scalars(
        select(ScheduledTask)
        .where(ScheduledTask.next_run_at <= now, ScheduledTask.name.in_(_entries))
        .order_by(ScheduledTask.next_run_at)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for task in due:
        each = _entries[task.name]
        task.next_run_at = each.after(now)
        task.last_claimed_at = now
        claimed.append(each)
    return claimed


def is_underway(task: ScheduledTask, *, now: datetime) -> bool:
    """Return whether a run is queued or running; one that has not ended after ``AGAIN_AFTER`` is considered lost."""
    claimed, ended = task.last_claimed_at, task.last_finished_at
    return claimed is not None and now - claimed < AGAIN_AFTER and (ended is None or ended < claimed)


def claim_now(session: Session, name: str, *, now: datetime) -> bool:
    """Claim an entry for a run that a person asked for, in the caller's transaction. Its next run stays as scheduled.

    Of two concurrent calls, the second waits for the first one's transaction and returns False.

    :returns: whether it was claimed; False if a run is already queued or running.
    :raises LookupError: there is no such entry, or it has no row yet.
    """
    entry(name)
    task = session.get(ScheduledTask, name, with_for_update=True, populate_existing=True)
    if task is None:
        raise LookupError(name)
    if is_underway(task, now=now):
        return False
    task.last_claimed_at = now
    session.flush()
    return True


def record_finished(
    session: Session, name: str, *, now: datetime, error: str | None, took: timedelta | None = None
) -> None:
    """Record the outcome of a run.

    :param error: a short description of the error, None for success.
    :param took: the duration of the run.
    """
    task = session.get(ScheduledTask, name)
    if task is not None:
        task.last_finished_at = now
        task.last_error = error
        task.last_run_ms = round(took / timedelta(milliseconds=1)) if took is not None else None
