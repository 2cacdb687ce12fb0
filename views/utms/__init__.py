"""The screens of UTMs and the security tab of a customer."""

from __future__ import annotations

from models.errors import N_
from views.register import MenuEntry, Place, Rights
from views.utms import overview  # noqa: F401  (adds its part to the overview of customers)
from views.utms.all_utms import UtmListView
from views.utms.security import SecurityView
from views.utms.staff_utms import StaffUtmListView
from views.utms.states import UtmStateView
from views.utms.utms import UtmView

SCREENS = (UtmView, SecurityView, UtmListView, StaffUtmListView, UtmStateView)
RIGHTS = {
    "AllUtms": Rights(N_("UTMs of all tenants"), staff=("can_list",)),
    "Utms": Rights(
        N_("UTM"),
        read=("can_list", "can_show"),
        write=("can_add", "can_edit", "can_delete", "can_exchange", "can_issue_token"),
        labels={"can_exchange": N_("Exchange"), "can_issue_token": N_("Issue an API token")},
    ),
}
MENU = (
    MenuEntry(Place.SIDE, 32, N_("UTM list"), "UtmListView.list", ("can_list", "Utms"), "router"),
    MenuEntry(Place.STAFF, 15, N_("UTMs of all tenants"), "StaffUtmListView.list", ("can_list", "AllUtms"), "router"),
)
