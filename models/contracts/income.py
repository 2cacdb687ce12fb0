"""The monthly income of a tenant: the forecast for the current month and the income of earlier ones (§5.1 (1))."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Numeric, String, bindparam, column, func, select, text

from models.contracts.billing import DUE, due_parameters
from models.contracts.contract import Contract
from models.contracts.invoice import Invoice


def income_of(month: date, *, invoiced: bool) -> ColumnElement[Any]:
    """Return an SQL expression for a tenant's income in a month, in yen before tax and after discounts.

    :param month: the first day of the month.
    :param invoiced: whether the invoices of the month count, if there are any, and the charges only otherwise.
    """
    due = _due(month)
    charged = select(func.coalesce(func.sum(due.c.amount), 0)).select_from(due).scalar_subquery()
    if not invoiced:
        return charged
    total = select(func.sum(Invoice.total)).where(Invoice.month == month).scalar_subquery()
    return func.coalesce(total, charged)


def charged_in(month: date) -> Any:
    """Return the condition that a ``Contract`` has charges for a month, which the month's figures are made up of.

    :param month: the first day of the month.
    """
    return Contract.id.in_(select(_due(month).c.contract_id))


def _due(month: date) -> Any:
    # Unique names, so that they do not collide with other parameters of the statement.
    values: list[Any] = [bindparam(name, value, unique=True) for name, value in due_parameters(month).items()]
    columns = (column("contract_id", String), column("amount", Numeric))
    return text(DUE).bindparams(*values).columns(*columns).subquery("due")
