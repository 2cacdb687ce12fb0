"""The dashboard."""

from __future__ import annotations

from models.errors import N_
from views.dashboard import widgets
from views.dashboard.arrangement import ArrangementView
from views.register import MenuEntry, Place, Rights

SCREENS = (ArrangementView,)
RIGHTS = {"Home": Rights(N_("Dashboard"), read=("can_index",), labels={"can_index": N_("Look at the page")})}
MENU = (
    MenuEntry(
        Place.SIDE,
        10,
        N_("Dashboard"),
        "HomeView.index",
        ("can_index", "Home"),
        "home",
        ("HomeView", "ArrangementView"),
    ),
)
WIDGETS = widgets.declared()
