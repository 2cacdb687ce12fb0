"""The invoiced totals by month, for the billing staff."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import clock
from models.contracts.contract import ContractLine
from models.contracts.invoice import Invoice

MONTHS_SHOWN = 36
"""The maximum number of months shown; the newest ones."""


class BilledMonth(NamedTuple):
    """The invoices of a month that is over.

    :ivar month: the first day of the month.
    :ivar invoices: the number of invoices.
    :ivar total: the sum of the invoices in yen.
    :ivar unpaid: the sum of the unpaid invoices in yen.
    """

    month: date
    invoices: int
    total: Decimal
    unpaid: Decimal


def billed_months(session: Session, *, today: date) -> list[BilledMonth]:
    """Return the months that are over, from the newest back to the first with a contract line or an invoice.

    :param today: the day in Asia/Tokyo.
    """
    rows = session.execute(
        select(
            Invoice.month,
            func.count(),
            func.sum(Invoice.total),
            func.coalesce(func.sum(Invoice.total).filter(Invoice.paid_on.is_(None)), 0),
        ).group_by(Invoice.month)
    )
    known = {month: BilledMonth(month, count, total, unpaid) for month, count, total, unpaid in rows}
    begun = session.scalar(select(func.min(ContractLine.starts_on)))
    first = min([*known, *([clock.month_start(begun)] if begun else [])], default=None)
    months = [clock.months_before(today, back) for back in range(1, MONTHS_SHOWN + 1)]
    nothing = Decimal(0)
    return [
        known.get(month, BilledMonth(month, 0, nothing, nothing))
        for month in months
        if first is not None and month >= first
    ]
