"""Calculate the figures of the dashboard every hour, and the customers without a contract every night (§5.1)."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from jobs.each_tenant import in_each_tenant
from jobs.job import job
from models import clock
from models.dashboard import figures
from models.db import allow_long_statements
from models.errors import N_
from models.operations.schedule import Entry, daily, every

SCHEDULE = (
    Entry("dashboard", N_("Calculate the figures of the dashboard"), "jobs.dashboard.refresh", every(60)),
    Entry("uncontracted", N_("List the customers without a contract"), "jobs.dashboard.refresh_daily", daily(3, 0)),
)

_LONGEST_STATEMENT = 60


@job(entry="dashboard")
def refresh() -> None:
    """Calculate and store the figures of each tenant; an interrupted run is repeated from the start."""
    in_each_tenant(partial(_refresh, daily=False))


@job(entry="uncontracted")
def refresh_daily() -> None:
    """Calculate and store the figures that are calculated once a day."""
    in_each_tenant(partial(_refresh, daily=True))


def _refresh(session: Session, *, daily: bool) -> None:
    allow_long_statements(session.connection(), seconds=_LONGEST_STATEMENT)
    figures.refresh(session, now=clock.utc_now(), daily=daily)
