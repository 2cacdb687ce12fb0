"""What is wrong with a tenant's notification addresses, as the dashboard (§5.1) and their own screen tell it."""

from __future__ import annotations

from typing import Any

from flask import g, session, url_for
from flask_babel import gettext

from models import clock
from models.notifications.address import AddressStatus, Slot

_TOLD = "told_of_addresses"


def problems(status: AddressStatus) -> list[str]:
    """A sentence for each thing that keeps notifications from arriving; none when they all do."""
    first = status.slots[0]
    found = []
    if not first.address and not first.asked_for:
        found.append(gettext("No notification address has been set."))
    if not any(slot.address for slot in status.slots):
        found.append(gettext("Notifications reach nobody until an address is confirmed."))
    found += [
        gettext("The last mail to %(address)s could not be delivered.", address=address)
        for slot in status.slots
        for address in sorted(slot.undelivered)
    ]
    return found


def unconfirmed(status: AddressStatus) -> list[str]:
    """A sentence for each address that has not confirmed."""
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
    """What the dashboard tells of the addresses, None when all is well.

    :param may_change: the person can do something about it.
    :returns: ``problems``, ``url`` of their screen or None, and ``dialog``: whether it opens by itself, which it does
        once in a session for each tenant one comes to.
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
