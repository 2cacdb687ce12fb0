"""NEC's charges to a tenant for its contracts in a month (請求予定金額, §10.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, Integer, Interval, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from models.contracts.billing import month_end
from models.contracts.catalogue import Cycle, Product, RatePlan, WholesalePrice
from models.contracts.contract import Contract, ContractLine, counting, last_line_day


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """A rate plan with the quantities that a tenant's contracts use in a month.

    :ivar unit_price: NEC's unit price in yen on the first day of the month.
    :ivar present: the quantity in force on the day that ``present_day`` returns (現在契約数).
    :ivar billed: the quantity that is billed for the month (請求予定数).
    """

    plan_id: int
    product: str
    plan: str
    cycle: str
    unit_price: Decimal
    present: int
    billed: int

    @property
    def amount(self) -> Decimal:
        """The amount in yen before tax (請求予定金額)."""
        return self.unit_price * self.billed


def present_day(month: date, today: date) -> date:
    """Return the day on which the current quantity is determined: today, or the last day of a past month.

    :param month: the first day of the month.
    """
    return min(month_end(month), today)


def counted_to(month: date, today: date) -> date:
    """Return the last day up to which a month's charges are counted: yesterday, or the last day of a past month.

    On the 1st of the current month, it lies before the month, so nothing is counted yet.

    :param month: the first day of the month.
    """
    return min(month_end(month), today - timedelta(days=1))


def status_of_month(session: Session, month: date, *, today: date) -> list[PlanStatus]:
    """Return the rate plans used in a month by the contracts visible to the session, sorted by product and plan.

    :param month: the first day of the month.
    :param today: the day in Asia/Tokyo.
    """
    present = func.coalesce(func.sum(ContractLine.quantity).filter(in_force(present_day(month, today))), 0)
    billed = func.coalesce(func.sum(ContractLine.quantity).filter(billed_in(month, today)), 0)
    used = (
        select(ContractLine.rate_plan_id.label("plan_id"), present.label("present"), billed.label("billed"))
        .join(Contract, Contract.id == ContractLine.contract_id)
        .join(RatePlan, RatePlan.id == ContractLine.rate_plan_id)
        .where(ContractLine.starts_on <= present_day(month, today))
        .group_by(ContractLine.rate_plan_id)
        .having(or_(present > 0, billed > 0))
        .subquery()
    )
    price = (
        select(WholesalePrice.unit_price)
        .where(WholesalePrice.rate_plan_id == RatePlan.id, WholesalePrice.valid_from <= month)
        .order_by(WholesalePrice.valid_from.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            RatePlan.id,
            Product.name.label("product"),
            RatePlan.name.label("plan"),
            RatePlan.cycle,
            func.coalesce(price, 0),
            used.c.present,
            used.c.billed,
        )
        .join(used, used.c.plan_id == RatePlan.id)
        .join(Product, Product.id == RatePlan.product_id)
        .order_by(Product.name, RatePlan.name, RatePlan.id)
    )
    return [PlanStatus(*row) for row in rows]


def has_line(condition: Any, plan_id: int | None = None) -> Any:
    """Return the condition that a ``Contract`` has a matching line.

    :param condition: the result of ``in_force`` or ``billed_in``; None for any line.
    :param plan_id: the ID of the line's rate plan; None for any.
    """
    line = exists().where(ContractLine.contract_id == Contract.id, RatePlan.id == ContractLine.rate_plan_id)
    if condition is not None:
        line = line.where(condition)
    if plan_id is not None:
        line = line.where(RatePlan.id == plan_id)
    return line.correlate(Contract)


def in_force(day: date) -> Any:
    """Return the condition that a line is in force on a day, for a statement that joins ``Contract``."""
    return and_(counting(), ContractLine.starts_on <= day, or_(last_line_day().is_(None), last_line_day() >= day))


def billed_in(month: date, today: date) -> Any:
    """Return the condition that NEC bills a line for a month, for a statement that joins ``Contract`` and ``RatePlan``.

    A monthly plan is billed if the line is in force on any day of the month up to yesterday, a yearly one if its
    anniversary is such a day, and a one-off plan if its first day is.

    :param month: the first day of the month.
    """
    until = counted_to(month, today)
    starts_on, last_on = ContractLine.starts_on, last_line_day()
    # The first day that counts, depending on the billing cycle.
    day = case(
        (RatePlan.cycle == Cycle.MONTHLY, func.greatest(starts_on, month)),
        (RatePlan.cycle == Cycle.ONCE, starts_on),
        else_=_anniversary(month),
    )
    # The anniversary of a line that starts in a later year is before its first day.
    return and_(counting(), day.between(month, until), starts_on <= day, or_(last_on.is_(None), last_on >= day))


def _anniversary(month: date) -> Any:
    """Return an SQL expression for the anniversary of a line's first day in the year of a month."""
    years = cast(month.year - func.extract("year", ContractLine.starts_on), Integer)
    return cast(ContractLine.starts_on + func.make_interval(years, type_=Interval), Date)
