"""The tick: once a minute, start what the timetable says is due.

RQ's cron takes no lock, so that two of them start two ticks. That is harmless: a tick claims rows with SKIP LOCKED,
and two do what one does. Jobs are put into their queues before the claim is committed: a tick that is killed in
between has started a job whose row is still due, which is then run twice, and never not at all.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from rq.exceptions import DuplicateJobError
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from jobs import queues
from jobs.job import job
from models import clock
from models.db import db
from models.operations import schedule
from models.operations.schedule import Entry, ScheduledTask

AGAIN_AFTER = timedelta(minutes=10)
"""A run that did not end well is repeated after this long: whether it failed, or its worker was killed, or Redis
forgot it. Longer than a job may take, so that one that still runs is not repeated."""


@job(quiet=True)
def tick() -> None:
    """Put every job that is due into its queue."""
    now = clock.utc_now()
    with Session(db.engine) as session, session.begin():
        for entry in (*schedule.claim_due(session, now=now), *_claim_again(session, now=now)):
            _enqueue(entry, now=now)


def _claim_again(session: Session, *, now: datetime) -> list[Entry]:
    """Take what was begun a while ago and has not ended well, in the caller's transaction."""
    not_ended_well = or_(
        ScheduledTask.last_finished_at.is_(None),
        ScheduledTask.last_finished_at < ScheduledTask.last_claimed_at,
        ScheduledTask.last_error.is_not(None),
    )
    tasks = session.scalars(
        select(ScheduledTask)
        .where(
            ScheduledTask.name.in_([each.name for each in schedule.entries()]),
            ScheduledTask.last_claimed_at <= now - AGAIN_AFTER,
            not_ended_well,
        )
        .order_by(ScheduledTask.last_claimed_at)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for task in tasks:
        task.last_claimed_at = now
        claimed.append(schedule.entry(task.name))
    return claimed


def _enqueue(entry: Entry, *, now: datetime) -> None:
    """Put one job into its queue, unless a tick of the same minute has."""
    with suppress(DuplicateJobError):
        queues.queue(entry.queue).enqueue(
            entry.job,
            job_id=f"{entry.name}-{now:%Y%m%dT%H%M}",
            unique=True,
            **queues.LIMITS,
        )
