"""The choice of a delivery address among those of a customer's approved applications (§7.5.3, §7.7, §7.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import request

from models.applications import addresses
from models.applications.addresses import AppliedAddress
from models.applications.delivery import DELIVERY_COLUMNS
from models.db import db

FILL = "fill_applied_address"
"""The name of the button that fills in the chosen address."""
_CHOICE = "applied_address"
_ARGUMENT = "delivery"


class AddressChoice(NamedTuple):
    """The addresses that a form offers, for ``screen/_applied_addresses.html``.

    :ivar offered: the addresses of the customer's approved applications.
    :ivar chosen: the one chosen on the page, or that the page was opened with.
    """

    offered: Sequence[AppliedAddress]
    chosen: AppliedAddress | None

    @property
    def groups(self) -> list[tuple[bool, list[AppliedAddress]]]:
        """The addresses of service applications and of UTM applications, without empty groups."""
        kinds = ((kind, [each for each in self.offered if each.of_utm_application is kind]) for kind in (False, True))
        return [(kind, found) for kind, found in kinds if found]

    @property
    def first(self) -> Any:
        """The delivery to fill in when the form is opened: the one asked for, or the only address there is."""
        if self.chosen is not None:
            return self.chosen.delivery
        different = {tuple(getattr(each.delivery, name) for name in DELIVERY_COLUMNS) for each in self.offered}
        return self.offered[0].delivery if len(different) == 1 else None


def address_choice(customer_id: str) -> AddressChoice:
    """Return the addresses that the form of a customer offers, with the one that the request names."""
    offered = addresses.of_customer(db.session(), customer_id)
    key = request.form.get(_CHOICE) if request.method == "POST" else request.args.get(_ARGUMENT)
    return AddressChoice(offered, next((each for each in offered if each.key == key), None))


def is_filling() -> bool:
    """Return whether the button was pressed that fills in the chosen address."""
    return FILL in request.form


def is_asked_for() -> bool:
    """Return whether the page was opened for one of the addresses, as from an application that was just approved."""
    return request.method == "GET" and _ARGUMENT in request.args
