"""The contracts of a customer on its page, with their search (§7.4.1 (1))."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from flask import request
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy import func, select

from models import clock
from models.contracts.catalogue import Product
from models.contracts.contract import Contract, ContractStatus
from models.db import db
from views.arguments import choice, page_number
from views.base import PAGE_SIZE, url_if
from views.screen import formats
from views.screen.filters import Choice, Day, IdPart, Search, read_search
from views.screen.navigation import may
from views.screen.table import Button, Column, Empty, Row, Table

STATUS_LABELS = {
    ContractStatus.ACTIVE: lazy_gettext("Active"),
    ContractStatus.CANCELLED: lazy_gettext("Contract cancelled"),
    ContractStatus.EXPIRED: lazy_gettext("Expired"),
}
CONTRACT_STATUS = formats.badge(
    {**STATUS_LABELS, ContractStatus.VOID: lazy_gettext("Void")},
    {ContractStatus.ACTIVE: "green", ContractStatus.CANCELLED: "orange"},
)
_LABELS = {
    "id": lazy_gettext("Contract number"),
    "product": lazy_gettext("Product"),
    "start_on": lazy_gettext("Contract start date"),
    "end_on": lazy_gettext("Contract end date"),
    "status": lazy_gettext("Status"),
}


def _statuses() -> dict[Any, Any]:
    """Return the statuses to search for; void contracts only for users who can void contracts, as the manual has none."""
    voids = may(("can_void", "Contracts"))
    return STATUS_LABELS | ({ContractStatus.VOID: lazy_gettext("Void")} if voids else {})


_FILTERS = (
    IdPart(
        "id",
        most=11,
        placeholder="A-S00000001",
        beside=True,
    ),
    Day("start_on", beside=True),
    Day("end_on", beside=True),
    Choice("status", labels=_statuses, beside=True),
)
_ORDER = {
    "id": Contract.id,
    "product": Product.name,
    "start_on": Contract.start_on,
    "end_on": Contract.end_on,
    "status": Contract.status,
}


def contract_url(customer_id: str, contract_id: str) -> str | None:
    """Return the URL of a contract's page, None if the person may not open it."""
    return url_if("can_show", "Contracts", "ContractView.show", customer_id=customer_id, contract_id=contract_id)


def contract_number(customer_id: str, contract_id: str) -> Any:
    """Return the number of a contract, as a link to its page if the person may open it."""
    url, number = contract_url(customer_id, contract_id), formats.CODE.cell(contract_id)
    return formats.linked(url, number) if url else number


def contract_status(contract: Any, today: date) -> Markup:
    """Return the status of a contract as every screen shows it.

    :param today: the day in Asia/Tokyo.
    """
    badge = CONTRACT_STATUS.cell(contract.status)
    if contract.status == ContractStatus.ACTIVE and contract.start_on > today:
        return Markup("{} {}").format(badge, gettext("(not started)"))
    if contract.status == ContractStatus.CANCELLED:
        return Markup('{} <span class="word">({})</span>').format(badge, contract.end_on.isoformat())
    return Markup("{}").format(badge)


class ContractList:
    """One page of a customer's contracts.

    :ivar search: the search fields as the page's arguments fill them in.
    :ivar table: the contracts that they leave.
    """

    columns: ClassVar = tuple(_LABELS)

    def __init__(self, customer: Any) -> None:
        self.customer = customer
        self.search: Search = read_search(_FILTERS, Contract, _LABELS, request.args)
        self.today = clock.tokyo_day(clock.utc_now())
        self.table = self._table()

    @property
    def is_searched(self) -> bool:
        """Whether the search is worth showing: there is a contract, or something was searched for."""
        return bool(self.table.rows or self.search.active)

    def _table(self) -> Table:
        sort = choice("sort", self.columns, "start_on")
        direction = choice("direction", ("asc", "desc"), "desc" if sort == "start_on" else "asc")
        found = [Contract.customer_id == self.customer.id, *self.search.conditions]
        count = db.session.scalar(select(func.count()).select_from(Contract).where(*found)) or 0
        pages = max(1, -(-count // PAGE_SIZE))
        page = min(page_number(), pages)
        ordered = _ORDER[sort].desc() if direction == "desc" else _ORDER[sort].asc()
        contracts = db.session.scalars(
            select(Contract)
            .join(Product, Product.id == Contract.product_id)
            .where(*found)
            .order_by(ordered, Contract.id)
            .limit(PAGE_SIZE)
            .offset((page - 1) * PAGE_SIZE)
        ).all()
        formats_of = (formats.CODE.css, formats.TEXT.css, "", "", "")
        columns = [
            Column(name, label, css, name) for (name, label), css in zip(_LABELS.items(), formats_of, strict=True)
        ]
        add = self._add_button()
        return Table(
            columns,
            [Row(self._cells(each)) for each in contracts],
            title=gettext("Contracts"),
            sort=sort,
            direction=direction,
            page=page,
            pages=pages,
            links=[add] if add else [],
            empty=self._empty(),
        )

    def _cells(self, contract: Contract) -> list[Any]:
        return [
            contract_number(self.customer.id, contract.id),
            contract.product.name,
            formats.DAY.cell(contract.start_on),
            formats.DAY.cell(contract.end_on),
            contract_status(contract, self.today),
        ]

    def _add_button(self) -> Button | None:
        url = url_if("can_add", "Contracts", "ContractApplicationView.add", customer_id=self.customer.id)
        return Button(gettext("Apply"), url, "plus", gettext("Apply for a contract")) if url else None

    def _empty(self) -> Empty:
        if self.search.active:
            show_all = Button(gettext("Show all"), request.root_path + request.path)
            return Empty("search-off", gettext("No contract matches these conditions."), None, [show_all])
        hint = gettext("Registering a UTM needs a contract. Apply for one first.")
        return Empty("file-text", gettext("There is no contract yet."), hint)
