"""Issue the monthly reports (月次レポート, §7.16) on the 1st of each month."""

from __future__ import annotations

import time

from flask import current_app
from sqlalchemy.orm import Session

from jobs import queues
from jobs.each_tenant import in_each_tenant
from jobs.job import job
from models import clock
from models.errors import N_
from models.operations.schedule import Entry, monthly
from models.reports import issuing

BUDGET = 45.0
"""Seconds after which a run leaves the rest to the next one; far below ``queues.JOB_TIMEOUT``."""

SCHEDULE = (
    Entry(
        "monthly-reports", N_("Issue the monthly reports of last month"), "jobs.reports.issue_monthly", monthly(4, 0)
    ),
)


@job(entry="monthly-reports")
def issue_monthly() -> None:
    """Issue the reports of last month, and those of earlier months that were missed."""
    begun = time.monotonic()
    unfinished = []

    def step(session: Session) -> None:
        for month in issuing.missing_months(session, today=clock.tokyo_day(clock.utc_now())):
            while True:
                if time.monotonic() - begun > BUDGET:
                    unfinished.append(month)
                    return
                now, online_for = clock.utc_now(), current_app.config["UTM_ONLINE_FOR"]
                issued = issuing.issue_batch(session, month, now=now, online_for=online_for)
                session.commit()
                if not issued:
                    break

    in_each_tenant(step)
    if unfinished:
        # If Redis is away, the job fails and is repeated after ten minutes.
        queues.enqueue(queues.PERIODIC, "jobs.reports.issue_monthly")
