"""契約: the contracts of all customers of the tenant. The figures of other pages link to this list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import clock
from models.contracts import income, wholesale
from models.contracts.catalogue import Product, RatePlan
from models.contracts.contract import Contract, ContractStatus
from models.customers.customer import Customer
from models.db import db
from models.errors import N_
from models.values.company_name import search_key
from views.arguments import iso_day, key_or_none
from views.base import url_if
from views.customers.company_name import CompanyName
from views.customers.contract_list import STATUS_LABELS, contract_url
from views.customers.customers import CustomerView
from views.data_interface import PortalInterface
from views.months import first_day, months_to_choose
from views.screen import formats
from views.screen.filters import Choice, Day, Days, Filter, IdPart
from views.screen.formats import Format, LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen

_STATUS_LABELS = STATUS_LABELS | {ContractStatus.VOID: lazy_gettext("Void")}
_NOT_STARTED = "to_come"
_STATUS = formats.badge(
    _STATUS_LABELS | {_NOT_STARTED: lazy_gettext("Active (not started)")},
    {ContractStatus.ACTIVE: "green", _NOT_STARTED: "green", ContractStatus.CANCELLED: "orange"},
)


class BilledIn(Choice):
    """A search field for the month that NEC bills a contract for; if a rate plan is selected, for a line of that plan."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
        found = super().read(model, label, args)
        if found.condition is None:
            return found
        line = wholesale.billed_in(first_day(found.value), clock.tokyo_day(clock.utc_now()))
        return replace(found, condition=wholesale.has_line(line, key_or_none(args.get("plan"))))

    def _meets(self, model: Any, value: str) -> Any:
        return True


class InForceOn(Day):
    """A search field for a day on which a contract is in force; if a rate plan is selected, a line of that plan."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
        day = iso_day(args.get(self.name))
        if day is None:
            return self._filter(label, kind="date")
        condition = wholesale.has_line(wholesale.in_force(day), key_or_none(args.get("plan")))
        return self._filter(label, kind="date", value=day.isoformat(), condition=condition)


def _products() -> dict[Any, Any]:
    rows = db.session.execute(select(Product.id, Product.name).order_by(Product.name))
    return {row.id: row.name for row in rows}


def _plans() -> dict[Any, Any]:
    rows = db.session.execute(
        select(RatePlan.id, Product.name.label("product"), RatePlan.name)
        .join(Product)
        .order_by(Product.name, RatePlan.name)
    )
    return {row.id: f"{row.product} / {row.name}" for row in rows}


def _customer_link(customer: Customer) -> Any:
    url = CustomerView.of().url_if("show", customer) if customer.deleted_at is None else None
    return formats.linked(url, customer.name) if url else customer.name


class ContractListView(Screen):
    """The list of contracts."""

    datamodel = PortalInterface(Contract, options=(joinedload(Contract.customer),))
    labels = Labels(
        lazy_gettext("contract"),
        lazy_gettext("All contracts"),
        "file-text",
        {"empty": N_("There is no contract yet."), "show_all": N_("Show all contracts")},
    )
    methods = frozenset({"list"})
    route_base = "/contracts"
    row_rule = "<string:contract_id>"
    class_permission_name = "ContractList"
    named_by = "id"
    base_order = ("id", "desc")
    list_columns: ClassVar = ["id", "customer", "product.name", "start_on", "end_on", "status"]
    order_columns: ClassVar = ["id", "start_on", "end_on", "status"]
    filters = (
        IdPart("id", most=11, placeholder="A-S00000001"),
        CompanyName("customer", most=40, key=search_key),
        Choice("product", lazy_gettext("Product"), labels=_products, on=lambda key: Contract.product_id == int(key)),
        Choice("plan", lazy_gettext("Rate plan"), labels=_plans, on=lambda key: wholesale.has_line(None, int(key))),
        BilledIn("month", lazy_gettext("Month of use"), labels=months_to_choose),
        InForceOn("day", lazy_gettext("In force on")),
        Choice(
            "income",
            lazy_gettext("Month of the charges"),
            labels=months_to_choose,
            on=lambda month: income.charged_in(first_day(month)),
        ),
        Days("start_on"),
        Days("end_on"),
        Choice("status", labels=_STATUS_LABELS, beside=True),
    )
    label_columns: ClassVar = {
        "id": lazy_gettext("Contract number"),
        "customer": lazy_gettext("Company name"),
        "product.name": lazy_gettext("Product"),
        "start_on": lazy_gettext("Contract start date"),
        "end_on": lazy_gettext("Contract end date"),
        "status": lazy_gettext("Status"),
    }
    formatters_columns: ClassVar = {
        "id": linked_value(formats.CODE),
        "customer": Format(_customer_link, lambda customer: str(customer.name), css="text"),
        "product.name": formats.TEXT,
        "status": _STATUS,
    }

    def value(self, row: Contract, name: str) -> Any:
        """Return the value of a column for a contract."""
        if name == "id":
            return LinkedValue(row.id, contract_url(row.customer_id, row.id))
        if name == "customer":
            return row.customer
        if name == "status" and row.status == ContractStatus.ACTIVE:
            return _NOT_STARTED if row.start_on > clock.tokyo_day(clock.utc_now()) else row.status
        return super().value(row, name)


def list_url(**arguments: Any) -> str | None:
    """Return the URL of the list with the contracts that a figure is based on; None if the user may not list contracts.

    :param arguments: the search parameters, such as ``plan`` and ``month``.
    """
    return url_if("can_list", "ContractList", "ContractListView.list", **arguments)
