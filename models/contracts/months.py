"""What was invoiced in each month, for the people who run the billing."""

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
"""How many months are shown at most, the newest first."""


class BilledMonth(NamedTuple):
    """The invoices of a month that is over.

    :ivar month: its first day.
    :ivar invoices: how many invoices there are.
    :ivar total: what they come to, in yen.
    :ivar unpaid: the part of it that is not paid.
    """

    month: date
    invoices: int
    total: Decimal
    unpaid: Decimal


def billed_months(session: Session, *, today: date) -> list[BilledMonth]:
    """Return the months that are over, from the newest back to the first with a service or an invoice.

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
