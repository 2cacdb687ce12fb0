"""The usage of a month: the charges to record it for, and its import from a CSV file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from models.actor import Actor
from models.contracts.billing import month_end
from models.contracts.catalogue import MAX_AMOUNT, Charge, ChargeModel, RatePlan
from models.contracts.contract import Contract, ContractLine, counting, last_line_day
from models.contracts.invoice import Invoice, Usage
from models.contracts.invoicing import ALREADY_INVOICED, NOT_IN_SERVICE, TOO_MUCH_USAGE, record_usage
from models.errors import N_, DomainError

MAX_ROWS = 1_000
"""The maximum number of rows of a file."""

HEAD = ("契約番号", "課金名", "対象月", "数量")
"""The header line of a file, the same in every language."""

TOO_MANY_ROWS = N_("A file has 1,000 rows or fewer.")
NO_ROWS = N_("The file has no rows.")
WRONG_HEAD = N_("The first line must be: %(head)s")
WRONG_COLUMNS = N_("Enter 4 columns.")
NO_CONTRACT = N_("There is no contract %(value)s.")
NO_CHARGE = N_("The contract has no usage charge %(value)s.")
SEVERAL_LINES = N_("The contract has this charge several times in this month. Enter its usage on the screen.")
WRONG_MONTH = N_("Enter the month as YYYY-MM.")
WRONG_QUANTITY = N_("Enter a whole number of up to 12 digits.")
TWICE = N_("Row %(value)s has the same contract, charge and month.")
NOT_CSV = N_("This is not a CSV file.")

_MONTH = re.compile(r"([0-9]{4})[-/年]([0-9]{1,2})(?:月|[-/]0?1)?")
_QUANTITY = re.compile(r"[0-9]{1,12}")


class Recordable(NamedTuple):
    """A usage charge of a contract line in a month.

    :ivar quantity: the recorded quantity, if any.
    :ivar invoice: the customer's invoice for the month, if any; it can no longer be changed.
    """

    line: ContractLine
    charge: Charge
    quantity: Decimal | None
    invoice: Invoice | None


class RowFault(NamedTuple):
    """An error in a row of a file.

    :ivar row: the row number as in a spreadsheet, where the header is row 1.
    """

    row: int
    message: str
    values: Mapping[str, object]


class UsageRow(NamedTuple):
    """A row of a file that can be recorded."""

    line: ContractLine
    charge: Charge
    month: date
    quantity: Decimal


@dataclass(slots=True)
class UsageFile:
    """The result of a file's dry run: the valid rows and all errors."""

    rows: list[UsageRow] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


class _Typed(NamedTuple):
    number: int
    contract_id: str
    charge_name: str
    month: date
    quantity: Decimal


def recordable(
    session: Session, month: date, *, contract_part: str = "", limit: int, offset: int = 0
) -> list[Recordable]:
    """Return the usage charges of the contract lines that are in force in a month.

    :param month: the first day of the month.
    :param contract_part: a part of the contract number.
    """
    rows = session.execute(
        _in_month(select(ContractLine, Charge, Usage.quantity, Invoice), month, contract_part)
        .outerjoin(Usage, _recorded(month))
        .outerjoin(Invoice, _invoiced(month))
        .options(
            contains_eager(ContractLine.contract).joinedload(Contract.customer), joinedload(ContractLine.rate_plan)
        )
        .order_by(Contract.id, ContractLine.id, Charge.id)
        .limit(limit)
        .offset(offset)
    )
    return [Recordable(*row) for row in rows]


def count_recordable(session: Session, month: date, *, contract_part: str = "") -> int:
    """Return the number of rows that ``recordable`` returns without a limit."""
    return session.scalar(_in_month(select(func.count()), month, contract_part).select_from(ContractLine)) or 0


def count_not_invoiced(session: Session, month: date) -> int:
    """Return the number of customers with recorded usage in a month for which they have no invoice.

    When the month's other invoices were issued already, nothing bills this usage until the month is run again.
    """
    customers = _in_month(select(func.count(Contract.customer_id.distinct())).select_from(ContractLine), month, "")
    return (
        session.scalar(
            customers.join(Usage, _recorded(month))
            .outerjoin(Invoice, _invoiced(month))
            .where(Usage.quantity > 0, Invoice.id.is_(None))
        )
        or 0
    )


def _recorded(month: date) -> Any:
    return and_(Usage.line_id == ContractLine.id, Usage.charge_id == Charge.id, Usage.month == month)


def _invoiced(month: date) -> Any:
    return and_(Invoice.customer_id == Contract.customer_id, Invoice.month == month)


def _in_month(statement: Any, month: date, contract_part: str) -> Any:
    first, last = func.greatest(ContractLine.starts_on, month), last_line_day()
    return (
        statement.join_from(ContractLine, Contract, Contract.id == ContractLine.contract_id)
        .join(Charge, and_(Charge.rate_plan_id == ContractLine.rate_plan_id, Charge.model == ChargeModel.USAGE))
        .where(
            # As ``ContractLine.touches``.
            counting(),
            first <= month_end(month),
            or_(last.is_(None), first <= last),
            Contract.id.contains(contract_part, autoescape=True),
        )
    )


def month_of(text: str) -> date | None:
    """Return the first day of a month written as ``2026-10``, ``2026/10`` or ``2026年10月``; None for other formats."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or not 2000 <= int(found[1]) <= 2100 or not 1 <= int(found[2]) <= 12:
        return None
    return date(int(found[1]), int(found[2]), 1)


def check(session: Session, text: str) -> UsageFile:
    """Check a file without recording anything, and return its valid rows and all errors.

    :param text: the content of the file.
    :raises DomainError: it is not a usage file.
    """
    file = UsageFile()
    typed = _read(text, file.faults)
    contracts = {
        contract.id: contract
        for contract in session.scalars(
            select(Contract)
            .where(Contract.id.in_({row.contract_id for row in typed}))
            .options(selectinload(Contract.lines).joinedload(ContractLine.rate_plan).selectinload(RatePlan.charges))
        )
    }
    customers = {contract.customer_id for contract in contracts.values()}
    invoiced = {
        (customer_id, month)
        for customer_id, month in session.execute(
            select(Invoice.customer_id, Invoice.month).where(Invoice.customer_id.in_(customers))
        )
    }
    first: dict[tuple[str, str, date], int] = {}
    for row in typed:
        key = (row.contract_id, row.charge_name, row.month)
        message, value, found = _resolved(row, contracts.get(row.contract_id))
        if found is not None and (found[0].contract.customer_id, row.month) in invoiced:
            message = ALREADY_INVOICED
        if key in first:
            message, value = TWICE, str(first[key])
        first.setdefault(key, row.number)
        if message:
            file.faults.append(RowFault(row.number, message, {"value": value}))
        elif found is not None:
            file.rows.append(UsageRow(*found, row.month, row.quantity))
    file.faults.sort(key=lambda fault: fault.row)
    return file


def record(session: Session, rows: Sequence[UsageRow], *, by: Actor) -> None:
    """Record the rows of a file that has no errors.

    :raises DomainError: a month was invoiced or a contract ended after the dry run.
    """
    for row in rows:
        record_usage(session, row.line, row.charge, row.month, row.quantity, by=by)


def _read(text: str, faults: list[RowFault]) -> list[_Typed]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise DomainError(NOT_CSV) from error
    if not lines or tuple(cell.strip() for cell in lines[0]) != HEAD:
        raise DomainError(WRONG_HEAD, head=",".join(HEAD))
    if len(lines) == 1:
        raise DomainError(NO_ROWS)
    if len(lines) > MAX_ROWS + 1:
        raise DomainError(TOO_MANY_ROWS)
    typed = [_typed(number, line, faults) for number, line in enumerate(lines[1:], start=2)]
    return [row for row in typed if row is not None]


def _typed(number: int, line: Sequence[str], faults: list[RowFault]) -> _Typed | None:
    cells = [cell.strip() for cell in line]
    if len(cells) != len(HEAD):
        faults.append(RowFault(number, WRONG_COLUMNS, {}))
        return None
    contract_id, charge_name, month_text, quantity_text = cells
    month, quantity = month_of(month_text), quantity_text.replace(",", "")
    if month is None:
        faults.append(RowFault(number, WRONG_MONTH, {}))
    if not _QUANTITY.fullmatch(quantity):
        faults.append(RowFault(number, WRONG_QUANTITY, {}))
        return None
    return _Typed(number, contract_id, charge_name, month, Decimal(quantity)) if month is not None else None


def _resolved(row: _Typed, contract: Contract | None) -> tuple[str, str, tuple[ContractLine, Charge] | None]:
    """Return a row's error message and its value, or empty strings with the contract line and charge it refers to."""
    if contract is None:
        return NO_CONTRACT, row.contract_id, None
    meant = [
        (line, charge)
        for line in contract.lines
        for charge in line.rate_plan.charges
        if charge.model == ChargeModel.USAGE and charge.name == row.charge_name
    ]
    if not meant:
        return NO_CHARGE, row.charge_name, None
    present = [pair for pair in meant if pair[0].touches(row.month)]
    if not present:
        return NOT_IN_SERVICE, "", None
    if len(present) > 1:
        return SEVERAL_LINES, "", None
    too_high = row.quantity * present[0][1].unit_price > MAX_AMOUNT
    return (TOO_MUCH_USAGE, "", None) if too_high else ("", "", present[0])
