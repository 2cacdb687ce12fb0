"""The tick: once a minute, enqueue the jobs that are due.

RQ's cron does not lock, so two cron processes enqueue two ticks. That is harmless, because a tick claims rows with
SKIP LOCKED. Jobs are enqueued before the claim is committed: if a tick is killed in between, the row is still due and
the job runs twice, which is better than not at all.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from rq.exceptions import DuplicateJobError
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from jobs import queues
from jobs.job import job
from models import clock
from models.db import db
from models.operations import schedule
from models.operations.schedule import AGAIN_AFTER, Entry, ScheduledTask


@job(quiet=True)
def tick() -> None:
    """Enqueue every job that is due."""
    now = clock.utc_now()
    with Session(db.engine) as session, session.begin():
        for entry in (*schedule.claim_due(session, now=now), *_claim_unsuccessful(session, now=now)):
            _enqueue(entry, now=now)


def _claim_unsuccessful(session: Session, *, now: datetime) -> list[Entry]:
    """Claim the entries whose last run did not succeed within ``AGAIN_AFTER``, in the caller's transaction."""
    unsuccessful = or_(
        ScheduledTask.last_finished_at.is_(None),
        ScheduledTask.last_finished_at < ScheduledTask.last_claimed_at,
        ScheduledTask.last_error.is_not(None),
    )
    tasks = session.scalars(
        select(ScheduledTask)
        .where(
            ScheduledTask.name.in_([each.name for each in schedule.entries()]),
            ScheduledTask.last_claimed_at <= now - AGAIN_AFTER,
            unsuccessful,
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
    """Enqueue a job, unless another tick of the same minute has already done so."""
    with suppress(DuplicateJobError):
        queues.enqueue(entry.queue, entry.job, job_id=f"{entry.name}-{now:%Y%m%dT%H%M}", unique=True)
