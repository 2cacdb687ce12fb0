"""Compare an invoice with that of the month before, and explain the changes line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from models import clock
from models.contracts.catalogue import Cycle
from models.contracts.contract import Contract, ContractLine, ContractStatus
from models.contracts.invoice import Invoice, InvoiceLine, LineKind
from models.errors import N_

CONTRACT_STARTED = N_("The contract started on %(day)s.")
PLAN_ADDED = N_("The rate plan was added on %(day)s.")
PLAN_REMOVED = N_("The rate plan was removed. Its last day was %(day)s.")
PLAN_ENDS = N_("The rate plan was removed. Its last day is %(day)s.")
CANCELLED = N_("The contract was cancelled. Its last day is %(day)s.")
EXPIRED = N_("The contract expired. Its last day was %(day)s.")
VOIDED = N_("The contract was voided.")
QUANTITY = N_("Quantity: %(before)s → %(after)s")
PRICE = N_("Unit price: %(before)s → %(after)s")
USAGE = N_("Usage: %(before)s → %(after)s")
NEW_USAGE = N_("Usage was recorded for this month.")
NO_USAGE = N_("No usage was recorded for this month.")
CORRECTION = N_("A correction, for this invoice only.")
PAST_CORRECTION = N_("A correction on the invoice of the previous month only.")
FEE_ONCE = N_("The cancellation fee is billed once.")
ONE_OFF = N_("A one-time charge.")
YEARLY = N_("Billed once a year.")
DISCOUNT_ENDED = N_("The discount ended.")
NOT_BILLED_BEFORE = N_("Not billed in the previous month.")
NOT_BILLED_NOW = N_("Not billed this month.")

_ONCE = {LineKind.CORRECTION: PAST_CORRECTION, LineKind.FEE: FEE_ONCE}
_NOT_MONTHLY: dict[str, str] = {Cycle.ONCE: ONE_OFF, Cycle.YEARLY: YEARLY}


class Reason(NamedTuple):
    """The reason why a line differs from the month before.

    :ivar message: a message marked for translation.
    :ivar values: the values of its placeholders.
    """

    message: str
    values: dict[str, object]


@dataclass(slots=True)
class ExplainedLine:
    """A line of an invoice, or a line of the month before that is missing from it.

    :ivar reasons: why it changed, appeared or disappeared; empty if it is unchanged.
    """

    line: InvoiceLine
    reasons: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class Explanation:
    """The comparison of an invoice with that of the month before.

    :ivar previous: the invoice of the month before; None if there is none.
    :ivar lines: the lines of the invoice.
    :ivar gone: the lines of the month before that are missing from this invoice.
    """

    previous: Invoice | None
    lines: list[ExplainedLine]
    gone: list[ExplainedLine]


def explain(session: Session, invoice: Invoice) -> Explanation:
    """Compare an invoice with that of the month before, in a fixed number of statements."""
    month_before = clock.months_before(invoice.month, 1)
    previous = session.scalar(
        select(Invoice).where(Invoice.customer_id == invoice.customer_id, Invoice.month == month_before)
    )
    wanted = [invoice.id, *([previous.id] if previous else [])]
    lines = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id.in_(wanted)).order_by(InvoiceLine.id)
    ).all()
    contracts = {
        contract.id: contract
        for contract in session.scalars(
            select(Contract)
            .where(Contract.id.in_({line.contract_id for line in lines if line.contract_id}))
            .options(selectinload(Contract.lines).joinedload(ContractLine.rate_plan))
            .options(joinedload(Contract.product))
        )
    }
    now = [line for line in lines if line.invoice_id == invoice.id]
    before = [line for line in lines if line.invoice_id != invoice.id]
    return _Comparison(invoice.month, contracts, now).explanation(previous, before)


class _Comparison:
    """The comparison of the lines of two months, based on their contracts."""

    def __init__(self, month: date, contracts: dict[str, Contract], now: list[InvoiceLine]) -> None:
        self.month = month
        self.last_day = clock.next_month(month) - timedelta(days=1)
        self.contracts = contracts
        self.now = now
        self.still_flat = {line.line_id for line in now if line.kind == LineKind.FLAT}

    def explanation(self, previous: Invoice | None, before: list[InvoiceLine]) -> Explanation:
        """Return the explanation of the changes."""
        pairs = _pairs(self.now, before, lambda line: (line.contract_id, line.line_id, line.kind, line.charge_name))
        unpaired = [line for line in self.now if line not in pairs]
        rest = [line for line in before if line not in pairs.values()]
        # A changed quantity is a new contract line. If the old one ended before this month, the new one replaces it.
        pairs |= _pairs(
            [line for line in unpaired if self._begins(line)],
            [line for line in rest if self._ended(line)],
            lambda line: (line.contract_id, line.plan_name, line.kind, line.charge_name),
        )
        lines = [
            ExplainedLine(line, self.changes(line, pairs[line]) if line in pairs else self.appeared(line))
            for line in self.now
        ]
        gone = [ExplainedLine(line, [self.disappeared(line)]) for line in before if line not in pairs.values()]
        return Explanation(previous, lines, gone)

    def changes(self, line: InvoiceLine, before: InvoiceLine) -> list[Reason]:
        """Return the reasons why a line differs from its counterpart of the month before."""
        found = []
        if line.quantity != before.quantity:
            message = USAGE if line.kind == LineKind.USAGE else QUANTITY
            found.append(_change(message, before.quantity, line.quantity))
        if line.unit_price != before.unit_price:
            found.append(_change(PRICE, before.unit_price, line.unit_price))
        return found + self._ends(line)

    def appeared(self, line: InvoiceLine) -> list[Reason]:
        """Return the reasons why a line is new."""
        contract, part = self._of(line)
        if line.kind == LineKind.CORRECTION:
            return [Reason(CORRECTION, {})]
        if line.kind == LineKind.FEE:
            return [_on(CANCELLED, contract.end_on)] if contract is not None else []
        if line.kind == LineKind.USAGE:
            return [Reason(NEW_USAGE, {})]
        if contract is not None and self._is_in_month(contract.start_on):
            first = _on(CONTRACT_STARTED, contract.start_on)
        elif part is not None and self._is_in_month(part.starts_on):
            first = _on(PLAN_ADDED, part.starts_on)
        elif part is not None and part.rate_plan.cycle == Cycle.YEARLY:
            first = Reason(YEARLY, {})
        else:
            first = Reason(NOT_BILLED_BEFORE, {})
        return [first, *self._ends(line)]

    def disappeared(self, line: InvoiceLine) -> Reason:
        """Return the reason why a line of the month before has disappeared."""
        if line.kind in _ONCE:
            return Reason(_ONCE[LineKind(line.kind)], {})
        if line.kind == LineKind.DISCOUNT and line.line_id in self.still_flat:
            return Reason(DISCOUNT_ENDED, {})
        contract, part = self._of(line)
        ended = self._end_before_month(contract, part)
        if ended is not None:
            return ended
        if line.kind == LineKind.USAGE:
            return Reason(NO_USAGE, {})
        cycle = part.rate_plan.cycle if part is not None else ""
        return Reason(_NOT_MONTHLY.get(cycle, NOT_BILLED_NOW), {})

    def _end_before_month(self, contract: Contract | None, part: ContractLine | None) -> Reason | None:
        if contract is None:
            return None
        if not contract.counts:
            return Reason(VOIDED, {})
        if part is not None and part.ends_on is not None and part.ends_on < self.month:
            return _on(PLAN_REMOVED, part.ends_on)
        last = contract.last_service_day
        if last is None or last >= self.month:
            return None
        return _on(CANCELLED if contract.status == ContractStatus.CANCELLED else EXPIRED, last)

    def _ends(self, line: InvoiceLine) -> list[Reason]:
        """Return the reason why this month is the last one of a flat charge, if it is."""
        contract, part = self._of(line)
        if contract is None or line.kind != LineKind.FLAT:
            return []
        if part is not None and part.ends_on is not None and self._is_in_month(part.ends_on):
            return [_on(PLAN_ENDS, part.ends_on)]
        if contract.status == ContractStatus.CANCELLED and self._is_in_month(contract.end_on):
            return [_on(CANCELLED, contract.end_on)]
        return []

    def _of(self, line: InvoiceLine) -> tuple[Contract | None, ContractLine | None]:
        """Return the contract and the contract line that an invoice line bills; each is None if there is none."""
        contract = self.contracts.get(line.contract_id or "")
        parts = contract.lines if contract is not None and line.line_id is not None else []
        return contract, next((part for part in parts if part.id == line.line_id), None)

    def _begins(self, line: InvoiceLine) -> bool:
        _, part = self._of(line)
        return part is not None and self._is_in_month(part.starts_on)

    def _ended(self, line: InvoiceLine) -> bool:
        _, part = self._of(line)
        return part is not None and part.ends_on is not None and part.ends_on < self.month

    def _is_in_month(self, day: date) -> bool:
        return self.month <= day <= self.last_day


def _pairs(
    now: Iterable[InvoiceLine], before: Iterable[InvoiceLine], key: Callable[[InvoiceLine], Any]
) -> dict[InvoiceLine, InvoiceLine]:
    """Return the earlier line with the same key for each line that has one. Corrections are never paired."""
    known: dict[Any, list[InvoiceLine]] = {}
    for line in before:
        if line.kind != LineKind.CORRECTION:
            known.setdefault(key(line), []).append(line)
    found = {}
    for line in now:
        if line.kind != LineKind.CORRECTION and known.get(key(line)):
            found[line] = known[key(line)].pop(0)
    return found


def _on(message: str, day: date) -> Reason:
    return Reason(message, {"day": day.isoformat()})


def _change(message: str, before: Decimal, after: Decimal) -> Reason:
    return Reason(message, {"before": f"{before:,.0f}", "after": f"{after:,.0f}"})
