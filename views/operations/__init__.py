"""Screens and endpoints for operations: jobs and health checks."""

from __future__ import annotations

from models.errors import N_
from views.operations import health, metrics
from views.operations.jobs import JobBoardView
from views.register import MenuEntry, Place, Rights

SCREENS = (JobBoardView,)
BLUEPRINTS = (health.blueprint, metrics.blueprint)
RIGHTS = {
    "JobBoard": Rights(
        N_("Jobs"),
        staff=("can_list", "can_retry", "can_delete", "can_run"),
        labels={"can_retry": N_("Run again"), "can_run": N_("Run now")},
    )
}
MENU = (
    MenuEntry(Place.STAFF, 20, N_("Jobs"), "JobBoardView.list", ("can_list", "JobBoard"), "server", ("JobBoardView",)),
)
PUBLIC = ("health.healthz", "health.readyz", "metrics.show")
