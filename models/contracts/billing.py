"""The charges of a contract for a month: ``charges`` for one contract, ``DUE`` as SQL for many.

``tests/models/contracts/test_due.py`` checks that both give the same result.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from models import clock
from models.contracts.catalogue import Charge, ChargeModel, Cycle
from models.contracts.contract import Contract, ContractLine, ContractStatus
from models.contracts.invoice import LineKind
from models.contracts.terms import add_months

FEE_NAME = "解約金"
"""The name of the cancellation fee on invoices, which are in Japanese regardless of the operator's language."""


@dataclass(frozen=True, slots=True)
class BilledCharge:
    """A line of a bill.

    :ivar quantity: the number of units, or the usage.
    :ivar unit_price: in yen, or the percentage of a discount.
    :ivar amount: in yen; negative for a discount.
    """

    kind: LineKind
    line_id: int | None
    plan_name: str
    charge_name: str
    from_on: date
    to_on: date
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


def charges(contract: Contract, month: date) -> list[BilledCharge]:
    """Return the charges of a contract for a month, before tax.

    A monthly plan is billed for every month in which the line is in force, a yearly one in the month of the anniversary
    of the line's first day, if the line is still in force on that day, and a one-off plan in the month of the line's
    first day. A discount is a percentage of the line's flat amount for the month, rounded down to whole yen. Usage is
    billed for the month it was recorded for. The cancellation fee is billed in the month of the last day of service.

    :param month: the first day of the month.
    """
    if not contract.counts:
        return []
    billed = [each for line in contract.lines for each in _line_charges(contract, line, month)]
    last, fee = contract.end_on, contract.cancellation_fee
    if contract.status == ContractStatus.CANCELLED and fee and clock.month_start(last) == month:
        after = last + timedelta(days=1)
        billed.append(BilledCharge(LineKind.FEE, None, "", FEE_NAME, after, contract.term_end_on, Decimal(1), fee, fee))
    return billed


def month_end(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _line_charges(contract: Contract, line: ContractLine, month: date) -> Iterator[BilledCharge]:
    lasts = [day for day in (line.ends_on, contract.last_service_day) if day is not None]
    last = min(lasts, default=None)
    from_on = max(line.starts_on, month)
    to_on = min([month_end(month), *lasts])
    if from_on > to_on:
        return
    plan = line.rate_plan
    period = _billed_period(line, plan.cycle, month, last)
    flat = line.quantity * line.unit_price if period else Decimal(0)
    for charge in plan.charges:
        days, quantity, unit_price = period, Decimal(line.quantity), charge.unit_price
        match charge.model:
            case ChargeModel.FLAT:
                unit_price, amount = line.unit_price, flat
            case ChargeModel.DISCOUNT:
                amount = -(flat * charge.unit_price // 100)
                if not flat or not _discount_applies(contract, charge, month):
                    continue
            case _:
                quantity = sum(
                    (used.quantity for used in line.usages if used.charge_id == charge.id and used.month == month),
                    Decimal(0),
                )
                days, amount = (from_on, to_on) if quantity else None, quantity * charge.unit_price
        if days is not None:
            kind = LineKind(charge.model)
            yield BilledCharge(kind, line.id, plan.name, charge.name, *days, quantity, unit_price, amount)


def _billed_period(line: ContractLine, cycle: str, month: date, last: date | None) -> tuple[date, date] | None:
    """Return the first and last day covered by a line's flat charge for a month; None if there is no such charge.

    :param last: the last day of the line's service; None if it has no end yet.
    """
    if cycle == Cycle.MONTHLY:
        return max(line.starts_on, month), min([month_end(month), *([last] if last else [])])
    if cycle == Cycle.ONCE:
        return (line.starts_on, line.starts_on) if clock.month_start(line.starts_on) == month else None
    years = month.year - line.starts_on.year
    if month.month != line.starts_on.month or years < 0:
        return None
    anniversary = add_months(line.starts_on, 12 * years)
    if last is not None and anniversary > last:
        return None
    return anniversary, add_months(line.starts_on, 12 * (years + 1)) - timedelta(days=1)


def _discount_applies(contract: Contract, charge: Charge, month: date) -> bool:
    if charge.discount_months is None:
        return True
    begun = contract.start_on
    return (month.year - begun.year) * 12 + month.month - begun.month < charge.discount_months


def monthly_amount(contract: Contract, day: date) -> Decimal:
    """Return the regular monthly amount of the lines in force on a day: flat charges less discounts without a time limit."""
    total = Decimal(0)
    for line in contract.lines:
        if not line.in_force(day):
            continue
        flat = line.quantity * line.unit_price
        if any(charge.model == ChargeModel.FLAT for charge in line.rate_plan.charges):
            total += flat
        for charge in line.rate_plan.charges:
            if charge.model == ChargeModel.DISCOUNT and charge.discount_months is None:
                total -= flat * charge.unit_price // 100
    return total


DUE = """
WITH service AS (
    SELECT contract.tenant_id, contract.customer_id, contract.id AS contract_id, contract.start_on AS contract_start_on,
           line.id AS line_id, line.rate_plan_id, line.quantity, line.unit_price, line.starts_on,
           plan.name AS plan_name, plan.cycle,
           LEAST(line.ends_on, CASE WHEN contract.status = 'active' AND contract.auto_renew THEN NULL
                                    ELSE contract.end_on END) AS last_on,
           (line.starts_on + make_interval(months => 12 *
               (extract(year FROM CAST(:month AS date)) - extract(year FROM line.starts_on))::int))::date AS anniversary
    FROM contract_line AS line
    JOIN contract ON contract.id = line.contract_id
    JOIN rate_plan AS plan ON plan.id = line.rate_plan_id
    WHERE contract.status <> 'void' AND line.starts_on <= :month_end
), billed AS (
    SELECT *, GREATEST(starts_on, :month) AS touched_from, LEAST(last_on, :month_end) AS touched_to,
           CASE cycle
               WHEN 'monthly' THEN true
               WHEN 'once' THEN date_trunc('month', starts_on) = :month
               ELSE date_trunc('month', anniversary) = :month AND (last_on IS NULL OR anniversary <= last_on)
           END AS flat_due
    FROM service
    WHERE last_on IS NULL OR last_on >= GREATEST(starts_on, :month)
), priced AS (
    SELECT *, CASE WHEN flat_due THEN quantity * unit_price ELSE 0 END AS flat,
           CASE cycle WHEN 'monthly' THEN touched_from WHEN 'once' THEN starts_on ELSE anniversary END AS flat_from,
           CASE cycle WHEN 'monthly' THEN touched_to WHEN 'once' THEN starts_on
                      ELSE (starts_on + make_interval(months => 12 * (1 +
                          (extract(year FROM CAST(:month AS date)) - extract(year FROM starts_on))::int)))::date - 1
           END AS flat_to
    FROM billed
)
SELECT priced.tenant_id, priced.customer_id, priced.contract_id, priced.line_id, charge.model AS kind, priced.plan_name,
       charge.name AS charge_name, charge.id AS charge_order,
       CASE charge.model WHEN 'usage' THEN touched_from ELSE flat_from END AS from_on,
       CASE charge.model WHEN 'usage' THEN touched_to ELSE flat_to END AS to_on,
       CASE charge.model WHEN 'usage' THEN usage.quantity ELSE priced.quantity END AS quantity,
       CASE charge.model WHEN 'flat' THEN priced.unit_price ELSE charge.unit_price END AS unit_price,
       CASE charge.model
           WHEN 'flat' THEN flat
           WHEN 'discount' THEN -floor(flat * charge.unit_price / 100)
           ELSE usage.quantity * charge.unit_price
       END AS amount
FROM priced
JOIN charge ON charge.rate_plan_id = priced.rate_plan_id
LEFT JOIN usage ON usage.line_id = priced.line_id AND usage.charge_id = charge.id AND usage.month = :month
WHERE CASE charge.model
    WHEN 'flat' THEN flat_due
    WHEN 'discount' THEN flat <> 0 AND (charge.discount_months IS NULL OR charge.discount_months >
        (extract(year FROM CAST(:month AS date)) - extract(year FROM contract_start_on)) * 12
        + extract(month FROM CAST(:month AS date)) - extract(month FROM contract_start_on))
    ELSE usage.quantity > 0
END
UNION ALL
SELECT tenant_id, customer_id, id, NULL, 'fee', '', :fee_name, NULL, end_on + 1, term_end_on, 1, cancellation_fee,
       cancellation_fee
FROM contract
WHERE status = 'cancelled' AND cancellation_fee > 0 AND end_on BETWEEN :month AND :month_end
"""
"""The charges of all contracts visible to the session for a month. For the parameters, see ``due_parameters``."""


def due_parameters(month: date) -> dict[str, object]:
    """Return the parameters of ``DUE``.

    :param month: the first day of the month.
    """
    return {"month": month, "month_end": month_end(month), "fee_name": FEE_NAME}
