"""Start the reboots of UTMs that are due, and end those that are overdue (§7.12)."""

from __future__ import annotations

from flask import current_app
from sqlalchemy.orm import Session

from jobs.each_tenant import in_each_tenant
from jobs.job import job
from models import clock
from models.errors import N_
from models.operations.schedule import Entry, every
from models.scope import all_tenants
from models.utms import reboot_progress

SCHEDULE = (Entry("reboots", N_("Start and end reboots of UTMs"), "jobs.reboots.sweep", every(1), queue="urgent"),)


@job(entry="reboots", quiet=True)
def sweep() -> None:
    """Start the reboots that are due, in all tenants, and end overdue ones.

    It catches up on what was missed while it did not run. A reboot is started once, however often this runs.
    """
    now = clock.utc_now()
    with all_tenants("one statement finds the tenants with something to do") as session:
        tenant_ids = reboot_progress.tenants_with_due_reboots(session, now=now)
    online_for = current_app.config["UTM_ONLINE_FOR"]
    wait_for = current_app.config["UTM_REBOOT_WAITS_FOR"]

    def step(session: Session) -> None:
        # First, so that a plan does not wait for a request that is overdue.
        reboot_progress.fail_overdue(session, now=now)
        reboot_progress.start_due(session, now=now, online_for=online_for, wait_for=wait_for)

    in_each_tenant(step, tenant_ids)
