"""The monthly income of a tenant: the forecast for the current month and the income of earlier ones (§5.1 (1)).

The figures are stored in a table, because calculating the charges of ten thousand contracts is too slow for a page.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Numeric, String, bindparam, column, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock, scope
from models.contracts.billing import DUE, due_parameters
from models.contracts.contract import Contract
from models.contracts.invoice import Invoice
from models.db import Base
from models.scope import TenantScoped


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


_CHARGES = text(f"SELECT coalesce(sum(amount), 0) FROM ({DUE}) AS due")  # noqa: S608  (the text is constant)


def compute(session: Session, *, now: datetime) -> IncomeFigures:
    """Return the current figures of the session's tenant as an unsaved row."""
    months = [clock.months_before(clock.tokyo_day(now), number) for number in range(3)]
    invoiced: dict[date, Decimal] = dict(
        session.execute(
            select(Invoice.month, func.sum(Invoice.total)).where(Invoice.month.in_(months[1:])).group_by(Invoice.month)
        ).all()
    )
    income = [
        invoiced[month] if month in invoiced else session.execute(_CHARGES, due_parameters(month)).scalar_one()
        for month in months
    ]
    return IncomeFigures(as_of=now, this_month=income[0], last_month=income[1], month_before=income[2])


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
