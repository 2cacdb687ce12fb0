"""Screens of UTMs, and the security tab of a customer."""

from __future__ import annotations

from models.errors import N_
from views.register import Rights
from views.utms import overview  # noqa: F401  (adds its part to the overview of customers)
from views.utms.security import SecurityView
from views.utms.utms import UtmView

SCREENS = (UtmView, SecurityView)
RIGHTS = {
    "Utms": Rights(
        N_("UTM"),
        read=("can_show",),
        write=("can_add", "can_issue_token"),
        words={"can_issue_token": N_("Issue an API token")},
    )
}
