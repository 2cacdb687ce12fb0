"""The overview of all tenants for NEC staff."""

from __future__ import annotations

from models.errors import N_
from views.overview.overview import OverviewView
from views.register import MenuEntry, Place, Rights

SCREENS = (OverviewView,)
RIGHTS = {"Overview": Rights(N_("Overview of tenants"), staff=("can_list",))}
MENU = (
    MenuEntry(
        Place.STAFF, 4, N_("Overview of tenants"), "OverviewView.list", ("can_list", "Overview"), "layout-dashboard"
    ),
)
