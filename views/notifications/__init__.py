"""Screens of the email addresses that receive a tenant's notifications."""

from __future__ import annotations

from models.errors import N_
from views.notifications.addresses import NotificationAddressView
from views.notifications.confirmation import AddressConfirmationView
from views.register import MenuEntry, Place, RateLimit, Rights

SCREENS = (NotificationAddressView, AddressConfirmationView)
RIGHTS = {
    "NotificationAddresses": Rights(
        N_("Email address settings"),
        read=("can_show",),
        write=("can_save", "can_send_again", "can_withdraw"),
        labels={"can_withdraw": N_("Withdraw")},
    )
}
MENU = (
    MenuEntry(
        Place.USER,
        20,
        N_("Email address settings"),
        "NotificationAddressView.show",
        ("can_show", "NotificationAddresses"),
    ),
)
PUBLIC = ("AddressConfirmationView.confirm",)
RATE_LIMITS = (RateLimit("AddressConfirmationView", "LINK_RATE_LIMIT"),)
