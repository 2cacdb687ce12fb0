"""The table of the notification addresses that are not confirmed yet, with the actions for each."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup

from models import clock
from models.errors import N_
from models.notifications.address import Slot
from views.screen import formats
from views.screen.table import Button, Question, Table, filled_table

LABELS = (N_("Email address"), N_("Email address 2"), N_("Email address 3"))
"""The labels of the three addresses."""

_STATE = Markup('<div>%s<div class="text-secondary word">%s</div></div>')
_BADGE = formats.badge({True: lazy_gettext("Waiting"), False: lazy_gettext("Expired")}, {True: "blue", False: "orange"})


def label_of(slot: Slot) -> str:
    """Return the label of an address."""
    return gettext(LABELS[slot.number - 1])


def waiting_table(slots: Sequence[Slot], *, may_change: bool) -> Table | None:
    """Return the table of the addresses that are not confirmed; None if there are none.

    :param may_change: whether the user may send the mail again or withdraw the change.
    """
    waiting = [slot for slot in slots if slot.asked_for]
    if not waiting:
        return None
    return filled_table(
        [
            (gettext("Item"), formats.WORD, label_of),
            (gettext("New address"), formats.PLAIN, lambda slot: slot.asked_for),
            (gettext("State"), formats.PLAIN, _state),
            (gettext("Notifications go to"), formats.PLAIN, lambda slot: slot.address or gettext("nobody")),
        ],
        waiting,
        buttons=_buttons if may_change else None,
        title=gettext("Waiting for confirmation"),
    )


def _state(slot: Slot) -> Markup:
    until = gettext("Until %(time)s", time=clock.screen_time(slot.asked_until))
    return _STATE % (_BADGE.cell(slot.waiting), until)


def _buttons(slot: Slot) -> list[Button]:
    address, values = slot.asked_for, {"slot": str(slot.number)}
    send_again = gettext(
        "A new confirmation mail will be sent to %(address)s. The link in the one before stops working. Are you sure?",
        address=address,
    )
    withdraw = gettext("The change to %(address)s will be withdrawn. Are you sure?", address=address)
    return [
        Button(
            gettext("Send again"),
            url_for("NotificationAddressView.send_again"),
            "send",
            gettext("Send again to %(address)s", address=address),
            values,
            Question(send_again, gettext("Send the confirmation mail again")),
        ),
        Button(
            gettext("Withdraw"),
            url_for("NotificationAddressView.withdraw"),
            "x",
            gettext("Withdraw %(address)s", address=address),
            values,
            Question(withdraw, gettext("Withdraw the change"), "danger"),
        ),
    ]
