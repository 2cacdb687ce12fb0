"""The list of a customer's UTMs (§7.4.5): its search, its order and what it shows of the alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g
from flask_babel import lazy_gettext

from models.db import db
from models.utms.reboot import RebootState, open_of
from models.utms.utm import Utm
from models.values.mac_address import mac_digits
from models.values.person_name import person_key
from models.values.phone import plain_hyphens
from views.forms.fields import half_width
from views.screen.filters import Choice, Part, Search
from views.screen.navigation import present_arguments
from views.screen.screen import Screen
from views.screen.table import Button, Table
from views.shown_once import waiting_key
from views.utms.alert_counts import ordered_by_count, recent_counts, shown_count
from views.utms.reboot_facts import reboot_buttons, reboot_of_many
from views.utms.state import STATE_LABELS, has_state

_ENTERED, _NOT_ENTERED = "y", "n"


def _mac_address_is(entered: str) -> Any:
    return Utm.mac_address.is_not(None) if entered == _ENTERED else Utm.mac_address.is_(None)


class UtmList(Screen):
    """The UTMs of the request's customer, except removed ones, as a list that the security tab shows."""

    filters = (
        Part("name", most=50, any_case=False, key=person_key, column="search_name", beside=True, wide=True),
        Choice("state", labels=STATE_LABELS, on=has_state, beside=True),
        Part(
            "utm_id",
            lazy_gettext("UTM ID or MAC address"),
            most=30,
            any_case=False,
            clean=half_width,
            key=mac_digits,
        ),
        Part("serial", most=30, any_case=False, clean=lambda typed: plain_hyphens(half_width(typed)).upper()),
        Part("address", lazy_gettext("Place"), most=104),
        Choice(
            "mac_address",
            labels={_ENTERED: lazy_gettext("Entered"), _NOT_ENTERED: lazy_gettext("Not entered")},
            on=_mac_address_is,
        ),
    )
    list_columns: ClassVar = [
        *("utm_id", "name", "address", "state", "reboot", "reboot_plan", "mac_address", "alert_count")
    ]
    order_columns: ClassVar = ["utm_id", "name", "address", "state", "mac_address", "alert_count"]
    list_labels: ClassVar = {"address": lazy_gettext("Place")}
    clear_columns: ClassVar = ["state"]

    def rows(self, search: Search) -> Any:
        """Return the query of the UTMs that a search leaves."""
        return super().rows(search).filter(Utm.removed_at.is_(None))

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query in an order: by state means by last contact, by alerts by their number in the last 31 days."""
        if sort == "alert_count":
            return ordered_by_count(query, db.session(), direction, customer_id=g.parent_row.id)
        return super().ordered(query, "last_seen_at" if sort == "state" else sort, direction)

    def table(self, rows: Sequence[Utm], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of UTMs with the number of their alerts, and what can be done about rebooting them."""
        counts = recent_counts(db.session(), customer_id=g.parent_row.id)
        reboots = open_of(db.session(), [row.id for row in rows])
        back = present_arguments()
        for row in rows:
            row.alert_count = shown_count(counts, row.id)
            row.reboot_plan = reboots.get((row.id, RebootState.SCHEDULED))
            row.reboot = reboot_buttons(row, back)
        made = super().table(rows, columns, css="dense", **options)
        made.cell_buttons = [button for row in rows for button in row.reboot]
        return made

    def _actions_of_many(self) -> list[Button]:
        return [*super()._actions_of_many(), *reboot_of_many()]

    def registered_just_now(self) -> Utm | None:
        """Return the UTM whose token ``secret_on_list`` is going to show."""
        key = waiting_key(Utm)
        utm = db.session.get(Utm, key) if key is not None else None
        return utm if utm is not None and utm.customer_id == g.parent_row.id else None

    def secret_on_list(self) -> dict[str, Any] | None:
        """Return the token of a UTM that was just registered for the customer, on whichever page of the list it is."""
        utm = self.registered_just_now()
        return self.secret_of([utm.id]) if utm is not None else None
