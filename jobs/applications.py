"""Delete unconfirmed applications, and mail the tenants the customers with missing contracts."""

from __future__ import annotations

from functools import partial

from jobs.each_tenant import in_each_tenant
from jobs.job import job
from models import clock
from models.applications import rules, shortage
from models.errors import N_
from models.operations.schedule import Entry, daily, every
from models.scope import all_tenants

SCHEDULE = (
    Entry(
        "unconfirmed-applications",
        N_("Delete unconfirmed applications"),
        "jobs.applications.remove_unconfirmed",
        every(60),
    ),
    Entry("contract-shortage", N_("Mail about missing contracts"), "jobs.applications.notify_shortage", daily(6, 0)),
)


@job(entry="unconfirmed-applications")
def remove_unconfirmed() -> None:
    """Delete the applications that were not confirmed within 24 hours (§8.2.1)."""
    with all_tenants("retention is the same for every tenant") as session:
        rules.remove_unconfirmed(session, now=clock.utc_now())
        session.commit()


@job(entry="contract-shortage")
def notify_shortage() -> None:
    """Mail each tenant its customers with missing contracts, if they changed, and note mismatches (§5.4.1 (2))."""
    now = clock.utc_now()
    in_each_tenant(partial(shortage.check, today=clock.tokyo_day(now), now=now))
