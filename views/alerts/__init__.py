"""Screens of security alerts."""

from __future__ import annotations

from models.errors import N_
from views.alerts import overview  # noqa: F401  (adds its part to the overview of customers)
from views.alerts.alerts import AlertView
from views.register import Rights

SCREENS = (AlertView,)
RIGHTS = {
    "Alerts": Rights(
        N_("Security alerts"),
        read=("can_list", "can_important", "can_download"),
        labels={"can_important": N_("View important alerts"), "can_download": N_("Download")},
    )
}
