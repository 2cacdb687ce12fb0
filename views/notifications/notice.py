"""Problems with a tenant's notification addresses, as shown on the dashboard (§5.1) and on their own screen."""

from __future__ import annotations

from typing import Any

from flask import g, session, url_for
from flask_babel import gettext

from models import clock
from models.notifications.address import AddressStatus, Slot

_TOLD = "told_of_addresses"


def problems(status: AddressStatus) -> list[str]:
    """Return a message for each problem that keeps notifications from arriving."""
    first = status.slots[0]
    found = []
    if not first.address and not first.asked_for:
        found.append(gettext("No notification address has been set."))
    if not any(slot.address for slot in status.slots):
        found.append(gettext("No notifications are sent until an address is confirmed."))
    found += [
        gettext("The last mail to %(address)s could not be delivered.", address=address)
        for slot in status.slots
        for address in sorted(slot.undelivered)
    ]
    return found


def unconfirmed(status: AddressStatus) -> list[str]:
    """Return a message for each address that is not confirmed."""
    return [_unconfirmed(slot) for slot in status.slots if slot.asked_for]


def _unconfirmed(slot: Slot) -> str:
    if not slot.waiting:
        return gettext("%(address)s was not confirmed within 24 hours.", address=slot.asked_for)
    return gettext(
        "%(address)s has not been confirmed yet. The link in its mail works until %(time)s.",
        address=slot.asked_for,
        time=clock.screen_time(slot.asked_until),
    )


def address_notice(status: AddressStatus, *, may_change: bool) -> dict[str, Any] | None:
    """Return the dashboard's notice about the addresses, None if there is no problem.

    :param may_change: whether the user may change the addresses.
    :returns: ``problems``; ``url`` of the screen of the addresses, or None; and ``dialog``: whether the notice opens by
        itself, which it does unless the last notice in the session was about the same tenant.
    """
    found = problems(status) + unconfirmed(status)
    if not found:
        return None
    tenant_id = g.identity.tenant.id
    dialog = session.get(_TOLD) != tenant_id
    session[_TOLD] = tenant_id
    return {
        "problems": found,
        "url": url_for("NotificationAddressView.show") if may_change else None,
        "dialog": dialog,
    }
