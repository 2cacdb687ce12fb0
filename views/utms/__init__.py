"""The screens of UTMs and the security tab of a customer."""

from __future__ import annotations

from models.errors import N_
from views.register import MenuEntry, Place, Rights
from views.utms import overview  # noqa: F401  (adds its part to the overview of customers)
from views.utms.all_utms import UtmListView
from views.utms.reboot import ManyRebootsView, UtmRebootView
from views.utms.reboots import RebootListView
from views.utms.security import SecurityView
from views.utms.staff_utms import StaffUtmListView
from views.utms.states import UtmStateView
from views.utms.utms import UtmView

SCREENS = (
    UtmView,
    SecurityView,
    UtmListView,
    StaffUtmListView,
    UtmStateView,
    UtmRebootView,
    ManyRebootsView,
    RebootListView,
)
RIGHTS = {
    "AllUtms": Rights(N_("UTMs of all tenants"), staff=("can_list",)),
    "Reboots": Rights(
        N_("UTM reboots"),
        read=("can_list", "can_status"),
        write=("can_reboot", "can_reboot_many", "can_cancel"),
        labels={
            "can_status": N_("Check status"),
            "can_reboot": N_("Reboot a UTM"),
            "can_reboot_many": N_("Reboot several UTMs"),
            "can_cancel": N_("Cancel scheduled reboots"),
        },
    ),
    "Utms": Rights(
        N_("UTM"),
        read=("can_list", "can_show"),
        write=("can_add", "can_edit", "can_delete", "can_exchange", "can_issue_token"),
        labels={"can_exchange": N_("Exchange"), "can_issue_token": N_("Issue an API token")},
    ),
}
MENU = (
    MenuEntry(Place.SIDE, 32, N_("UTM list"), "UtmListView.list", ("can_list", "Utms"), "router"),
    MenuEntry(Place.SIDE, 33, N_("UTM reboots"), "RebootListView.list", ("can_list", "Reboots"), "power"),
    MenuEntry(Place.STAFF, 15, N_("UTMs of all tenants"), "StaffUtmListView.list", ("can_list", "AllUtms"), "router"),
)
