"""The monthly income of a tenant: the forecast for the current month and the income of earlier ones (§5.1 (1)).

The figures are stored in a table, because calculating the charges of ten thousand contracts is too slow for a page.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Numeric, String, bindparam, column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock, scope
from models.contracts.billing import DUE, due_parameters
from models.contracts.contract import Contract
from models.db import Base
from models.scope import TenantScoped

_MONTHS = 3


class IncomeFigures(TenantScoped, Base):
    """A tenant's income for three months as of a time, in yen before tax and after discounts.

    ``this_month`` is the sum of all charges for the calendar month. ``last_month`` and ``month_before`` are the sums of
    the invoices of these months, or of their charges while there are no invoices.
    """

    __tablename__ = "income_figures"

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    as_of: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    this_month: Mapped[Decimal] = mapped_column(Numeric(16, 0))
    last_month: Mapped[Decimal] = mapped_column(Numeric(16, 0))
    month_before: Mapped[Decimal] = mapped_column(Numeric(16, 0))

    @property
    def change(self) -> int | None:
        """The change from last month to this month in percent; None if last month had no income."""
        if not self.last_month:
            return None
        return round((self.this_month - self.last_month) * 100 / abs(self.last_month))


def _charges(number: int) -> str:
    """Return a subquery for the sum of all charges. Its parameters end with the number, to be unique in a statement."""
    due = re.sub(r":(month_end|month)\b", rf":\1_{number}", DUE)
    return f"(SELECT coalesce(sum(amount), 0) FROM ({due}) AS due)"  # noqa: S608  (the text is constant)


def _invoiced(number: int) -> str:
    """Return an expression for the sum of a month's invoices, or of its charges while there are no invoices."""
    invoices = f"FROM invoice WHERE month = :month_{number}"
    return f"CASE WHEN EXISTS (SELECT {invoices}) THEN (SELECT sum(total) {invoices}) ELSE {_charges(number)} END"


_INCOME = text(f"SELECT {_charges(0)} AS this_month, {_invoiced(1)} AS last_month, {_invoiced(2)} AS month_before")


def compute(session: Session, *, now: datetime) -> IncomeFigures:
    """Return the current figures of the session's tenant as an unsaved row."""
    today = clock.tokyo_day(now)
    parameters: dict[str, object] = {}
    for number in range(_MONTHS):
        of_month = due_parameters(clock.months_before(today, number))
        parameters |= {"fee_name": of_month.pop("fee_name")} | {
            f"{name}_{number}": day for name, day in of_month.items()
        }
    row = session.execute(_INCOME, parameters).one()
    return IncomeFigures(as_of=now, this_month=row.this_month, last_month=row.last_month, month_before=row.month_before)


def refresh(session: Session, *, now: datetime) -> None:
    """Store the current figures of the session's tenant, unless a run that started later has already stored its own."""
    figures = compute(session, now=now)
    values = {name: getattr(figures, name) for name in ("as_of", "this_month", "last_month", "month_before")}
    kept = insert(IncomeFigures).values(tenant_id=scope.own_tenant_id(session), **values)
    session.execute(
        kept.on_conflict_do_update(
            index_elements=["tenant_id"], set_=values, where=IncomeFigures.as_of < kept.excluded.as_of
        )
    )


def of_tenant(session: Session, *, now: datetime) -> IncomeFigures:
    """Return the stored figures of the session's tenant, or compute them if none are stored for this month."""
    kept: IncomeFigures | None = session.scalar(select(IncomeFigures))
    if kept is not None and _month(kept.as_of) == _month(now):
        return kept
    return compute(session, now=now)


def charged_in(month: date) -> Any:
    """Return the condition that a ``Contract`` has charges for a month, which the month's figures are made up of.

    :param month: the first day of the month.
    """
    # Unique names, so that they do not collide with other parameters of the statement.
    values: list[Any] = [bindparam(name, value, unique=True) for name, value in due_parameters(month).items()]
    due = text(DUE).bindparams(*values).columns(column("contract_id", String)).subquery("due")
    return Contract.id.in_(select(due.c.contract_id))


def _month(moment: datetime) -> date:
    return clock.month_start(clock.tokyo_day(moment))
