"""The cost of a new contract, shown before it is created (§7.5.4)."""

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
    """The consequences of creating a contract.

    :ivar bills: the first day of each month from the start, and the amount billed for it in yen before tax.
    :ivar has_usage: whether usage charges will be added, whose amount is not known in advance.
    :ivar term_end_on: the last day of the initial term.
    :ivar renews_on: the first day of the next term.
    """

    bills: list[tuple[date, Decimal]]
    has_usage: bool
    term_end_on: date
    renews_on: date


def preview(contract: Contract) -> ContractPreview:
    """Return the consequences of creating a contract.

    :param contract: the contract, which need not be stored; see ``models.contracts.rules.draft``.
    """
    first = clock.month_start(contract.start_on)
    months = [add_months(first, number) for number in range(MONTHS)]
    bills = [(month, sum((each.amount for each in charges(contract, month)), Decimal(0))) for month in months]
    has_usage = any(charge.model == ChargeModel.USAGE for line in contract.lines for charge in line.rate_plan.charges)
    return ContractPreview(bills, has_usage, contract.term_end_on, contract.term_end_on + timedelta(days=1))
