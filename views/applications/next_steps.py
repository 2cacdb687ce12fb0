"""What follows the approval of an application: the contract, with the delivery address, then the UTM (§7.5, §7.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask_babel import gettext

from models.applications.application import ApplicationState
from views.base import url_if
from views.screen.table import Button


class NextSteps(NamedTuple):
    """The links of an approved application.

    :ivar contracts: to the contract application, one for each delivery address.
    :ivar others: to the registration of UTMs and to the customer.
    """

    contracts: Sequence[Button]
    others: Sequence[Button]


def next_steps(row: Any, deliveries: Sequence[Any], key_of: Callable[[Any], str]) -> NextSteps | None:
    """Return the links of an application, None if it is not approved or the user may follow none of them.

    :param key_of: returns the key of a delivery address, with which the contract application fills it in.
    """
    if row.state != ApplicationState.APPROVED:
        return None
    contracts = [
        Button(_label(each, several=len(deliveries) > 1), url, "file-text")
        for each in deliveries
        if (
            url := url_if(
                "can_add",
                "Contracts",
                "ContractApplicationView.add",
                customer_id=row.customer_id,
                delivery=key_of(each),
            )
        )
    ]
    targets = (
        (gettext("Register UTM"), "router", "can_add", "Utms", "UtmView.add"),
        (gettext("Customer"), "building", "can_show", "Customers", "CustomerView.show"),
    )
    others = [
        Button(label, url, icon)
        for label, icon, *right, endpoint in targets
        if (url := url_if(right[0], right[1], endpoint, customer_id=row.customer_id))
    ]
    return NextSteps(contracts, others) if contracts or others else None


def _label(delivery: Any, *, several: bool) -> str:
    if not several:
        return gettext("Apply for a contract")
    return gettext("Apply for a contract (%(address)s)", address=f"{delivery.company} {delivery.full_address}")
