"""Screens of security alerts."""

from __future__ import annotations

from models.errors import N_
from views.alerts import overview  # noqa: F401  (adds its part to the overview of customers)
from views.alerts.alerts import AlertView
from views.alerts.level_policy import LevelPolicyView
from views.register import MenuEntry, Place, Rights

SCREENS = (AlertView, LevelPolicyView)
RIGHTS = {
    "Alerts": Rights(
        N_("Security alerts"),
        read=("can_list", "can_important", "can_download"),
        labels={"can_important": N_("View important alerts"), "can_download": N_("Download")},
    ),
    "LevelPolicy": Rights(N_("Alert level policy"), staff=("can_list", "can_show", "can_edit")),
}
MENU = (
    MenuEntry(
        Place.STAFF,
        40,
        N_("Alert level policy"),
        "LevelPolicyView.list",
        ("can_list", "LevelPolicy"),
        "shield-exclamation",
        ("LevelPolicyView",),
    ),
)
