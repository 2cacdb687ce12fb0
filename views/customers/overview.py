"""The overview on a customer's page: the most important figures of all areas, each a link to where they come from.

An area above customers adds its part with ``overview_part``, because customers must not import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext

from models import clock
from models.customers.customer import Customer
from views.base import url_if
from views.screen import formats


class OverviewItem(NamedTuple):
    """A figure.

    :ivar url: where it comes from; None for who may not look there.
    :ivar warning: what is to be looked at about it.
    """

    label: str
    value: Any
    url: str | None = None
    warning: str | None = None


Part = Callable[[Customer], Sequence[OverviewItem]]
_PARTS: dict[int, Part] = {}


def overview_part(order: int) -> Callable[[Part], Part]:
    """Add a part to the overview of customers.

    :param order: parts with lower numbers come first.
    """

    def add(part: Part) -> Part:
        _PARTS[order] = part
        return part

    return add


def overview_of(customer: Customer) -> list[OverviewItem]:
    """Return the overview of a customer."""
    return [item for _, part in sorted(_PARTS.items()) for item in part(customer)]


@overview_part(30)
def _contracts(customer: Customer) -> Sequence[OverviewItem]:
    """The day on which the next term of a contract begins."""
    today = clock.tokyo_day(clock.utc_now())
    renewing = [each for each in customer.contracts if each.renews and each.term_end_on >= today]
    first = min(renewing, key=lambda each: (each.term_end_on, each.id), default=None)
    if first is None:
        return [OverviewItem(gettext("Next renewal"), "-")]
    url = url_if("can_show", "Contracts", "ContractView.show", customer_id=customer.id, contract_id=first.id)
    return [OverviewItem(gettext("Next renewal"), first.term_end_on + timedelta(days=1), url or "#contracts")]


@overview_part(40)
def _balance(customer: Customer) -> Sequence[OverviewItem]:
    invoices = url_if("can_list", "Invoices", "InvoiceView.list", customer_id=customer.id)
    customers = url_if("can_list", "Customers", "CustomerView.list", id=customer.id)
    return [OverviewItem(gettext("Balance"), formats.YEN.cell(customer.balance), invoices or customers)]


@overview_part(50)
def _contact(customer: Customer) -> Sequence[OverviewItem]:
    page = url_for("CustomerView.show", customer_id=customer.id)
    return [OverviewItem(gettext("Contact person"), customer.contact_name, f"{page}#part-2")]
