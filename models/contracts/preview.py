"""What a new contract will cost, shown before it is made (§7.5.4)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from models import clock
from models.contracts.billing import charges
from models.contracts.catalogue import ChargeModel
from models.contracts.contract import Contract
from models.contracts.terms import add_months

MONTHS = 12
"""The number of months whose bills are shown."""


class ContractPreview(NamedTuple):
    """What follows from making a contract.

    :ivar bills: the first day of each month and the amount billed for it in yen before tax, from the month of the start.
    :ivar has_usage: whether charges for usage come on top, which nobody knows in advance.
    :ivar term_end_on: the last day of the initial term.
    :ivar renews_on: the first day of the term after it.
    """

    bills: list[tuple[date, Decimal]]
    has_usage: bool
    term_end_on: date
    renews_on: date


def preview(contract: Contract) -> ContractPreview:
    """Return what follows from making a contract.

    :param contract: it need not be stored; see ``models.contracts.rules.draft``.
    """
    first = clock.month_start(contract.start_on)
    months = [add_months(first, number) for number in range(MONTHS)]
    bills = [(month, sum((each.amount for each in charges(contract, month)), Decimal(0))) for month in months]
    has_usage = any(charge.model == ChargeModel.USAGE for line in contract.lines for charge in line.rate_plan.charges)
    return ContractPreview(bills, has_usage, contract.term_end_on, contract.term_end_on + timedelta(days=1))
