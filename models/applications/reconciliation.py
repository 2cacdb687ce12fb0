"""照合: the numbers of UTMs that a customer applied for, contracted and registered, and since when they disagree."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    ForeignKeyConstraint,
    Index,
    String,
    Subquery,
    and_,
    case,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.applications.application import ApplicationState, ServiceApplication, ServiceDelivery
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery
from models.contracts.catalogue import Charge, ChargeModel, Cycle, RatePlan
from models.contracts.contract import Contract, ContractLine, counting, last_line_day
from models.customers.customer import Customer
from models.db import Base
from models.scope import TenantScoped
from models.utms.utm import Utm, UtmState, in_state


class UtmMismatch(TenantScoped, Base):
    """Since which day a customer's numbers of UTMs disagree. Kept up every morning."""

    __tablename__ = "utm_mismatch"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        Index("ix_utm_mismatch_tenant_id_customer_id", "tenant_id", "customer_id"),
    )

    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    since: Mapped[date] = mapped_column(Date)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of a customer's UTMs.

    :param applied: in approved applications; None if the customer has none.
    :param contracted: in contracts in force.
    :param online: how many of the registered UTMs are online now.
    :param monthly: the regular monthly amount of the contracts in force, in yen before tax.
    :param since: the first day on which the numbers disagreed, as the morning's check found it; None while they agree.
    """

    applied: int | None
    contracted: int
    registered: int
    online: int
    monthly: Decimal
    since: date | None

    @property
    def agrees(self) -> bool:
        """Whether as many UTMs are contracted and registered as were applied for; see :func:`differs`."""
        return self.contracted == self.registered and self.applied in {None, self.contracted}


def applied_counts() -> Subquery:
    """Return a subquery of the number of UTMs in approved applications: ``customer_id``, ``applied``."""
    service = (
        select(ServiceApplication.customer_id, ServiceDelivery.utm_count)
        .join(ServiceDelivery, ServiceDelivery.application_id == ServiceApplication.id)
        .where(ServiceApplication.state == ApplicationState.APPROVED)
    )
    more = (
        select(UtmApplication.customer_id, UtmDelivery.utm_count)
        .join(UtmDelivery, UtmDelivery.application_id == UtmApplication.id)
        .where(UtmApplication.state == UtmApplicationState.APPROVED)
    )
    both = service.union_all(more).subquery()
    return (
        select(both.c.customer_id, func.sum(both.c.utm_count).label("applied"))
        .group_by(both.c.customer_id)
        .subquery("applied")
    )


def contracted_counts(today: date) -> Subquery:
    """Return a subquery of the number of UTMs that contracts in force include: ``customer_id``, ``contracted``.

    :param today: the day in Asia/Tokyo.
    """
    return (
        select(Contract.customer_id, func.sum(ContractLine.quantity).label("contracted"))
        .join(ContractLine, ContractLine.contract_id == Contract.id)
        .join(RatePlan, RatePlan.id == ContractLine.rate_plan_id)
        .where(RatePlan.counts_utms, *_in_force(today))
        .group_by(Contract.customer_id)
        .subquery("contracted")
    )


def _monthly_amounts(today: date) -> Subquery:
    """Return a subquery of the regular monthly amount of the contracts in force: ``customer_id``, ``monthly``.

    It is the sum of what :func:`models.contracts.billing.monthly_amount` returns for lines of monthly rate plans: flat
    charges less discounts without a time limit.

    :param today: the day in Asia/Tokyo.
    """
    flat = ContractLine.quantity * ContractLine.unit_price
    amount = case(
        (Charge.model == ChargeModel.FLAT, flat),
        (
            and_(Charge.model == ChargeModel.DISCOUNT, Charge.discount_months.is_(None)),
            -func.floor(flat * Charge.unit_price / 100),
        ),
        else_=0,
    )
    return (
        select(Contract.customer_id, func.sum(amount).label("monthly"))
        .join(ContractLine, ContractLine.contract_id == Contract.id)
        .join(RatePlan, RatePlan.id == ContractLine.rate_plan_id)
        .join(Charge, Charge.rate_plan_id == RatePlan.id)
        .where(RatePlan.cycle == Cycle.MONTHLY, *_in_force(today))
        .group_by(Contract.customer_id)
        .subquery("amounts")
    )


def _in_force(today: date) -> tuple[Any, ...]:
    """Return the conditions that a ``ContractLine`` and its ``Contract`` are in force."""
    return (
        counting(),
        Contract.start_on <= today,
        ContractLine.starts_on <= today,
        func.coalesce(last_line_day(), today) >= today,
    )


def _numbers(today: date) -> Subquery:
    """Return a subquery of the numbers of UTMs, which are to be added up: ``applied``, ``contracted``, ``registered``.

    They are below each other: joined, the database may add them up again for each customer.

    :param today: the day in Asia/Tokyo.
    """
    applied, contracted = applied_counts(), contracted_counts(today)
    none = literal(0)
    return union_all(
        select(applied.c.customer_id, applied.c.applied, none.label("contracted"), none.label("registered")),
        select(contracted.c.customer_id, null(), contracted.c.contracted, none),
        select(Utm.customer_id, null(), none, literal(1)).where(Utm.removed_at.is_(None)),
    ).subquery("numbers")


def differs(today: date) -> ColumnElement[bool]:
    """Return the condition that a ``Customer``'s numbers of applied, contracted and registered UTMs disagree.

    Of a customer without an approved application, only contracts and UTMs are compared.

    :param today: the day in Asia/Tokyo.
    """
    numbers = _numbers(today)
    applied_sum, contracted_sum, registered_sum = map(
        func.sum, (numbers.c.applied, numbers.c.contracted, numbers.c.registered)
    )
    differing = (
        select(numbers.c.customer_id)
        .group_by(numbers.c.customer_id)
        .having(or_(contracted_sum != registered_sum, applied_sum != contracted_sum))
    )
    # IS TRUE keeps the query from becoming a join, for the same reason as in ``_numbers``.
    return Customer.id.in_(differing).is_(True)


def lacks_utms(today: date) -> ColumnElement[bool]:
    """Return the condition that a ``Customer``'s contracts include more UTMs than are registered.

    :param today: the day in Asia/Tokyo.
    """
    # As in ``differs``.
    return Customer.id.in_(select(_missing(today).c.customer_id)).is_(True)


def differing_customers(today: date) -> ColumnElement[int]:
    """Return an SQL expression for the number of a tenant's customers that meet ``differs``."""
    return (
        select(func.count()).select_from(Customer).where(Customer.deleted_at.is_(None), differs(today))
    ).scalar_subquery()


def missing_utms(today: date) -> ColumnElement[int]:
    """Return an SQL expression for the number of UTMs that a tenant's contracts include beyond the registered ones."""
    return select(func.coalesce(func.sum(_missing(today).c.missing), 0)).scalar_subquery()


def _missing(today: date) -> Subquery:
    """Return a subquery of the number of contracted UTMs that are not registered: ``customer_id``, ``missing``.

    :param today: the day in Asia/Tokyo.
    """
    numbers = _numbers(today)
    missing = func.sum(numbers.c.contracted) - func.sum(numbers.c.registered)
    return (
        select(numbers.c.customer_id, missing.label("missing"))
        .group_by(numbers.c.customer_id)
        .having(missing > 0)
        .subquery("missing")
    )


def figures_of(
    session: Session, customer_ids: Collection[str], *, today: date, now: datetime, online_for: timedelta
) -> dict[str, Figures]:
    """Return the figures of customers by ID, read with one statement.

    :param today: the day in Asia/Tokyo.
    :param online_for: how long a UTM counts as online after its last call.
    """
    applied, contracted, amounts = applied_counts(), contracted_counts(today), _monthly_amounts(today)
    is_online = case((in_state(UtmState.ONLINE, now=now, online_for=online_for), 1))
    utms = (
        select(Utm.customer_id, func.count().label("registered"), func.count(is_online).label("online"))
        .where(Utm.removed_at.is_(None))
        .group_by(Utm.customer_id)
        .subquery("utms")
    )

    def of(figures: Subquery) -> Any:
        # The second condition keeps the database from adding up the figures of all customers.
        return and_(figures.c.customer_id == Customer.id, figures.c.customer_id.in_(customer_ids))

    rows = session.execute(
        select(
            Customer.id,
            applied.c.applied,
            func.coalesce(contracted.c.contracted, 0),
            func.coalesce(utms.c.registered, 0),
            func.coalesce(utms.c.online, 0),
            func.coalesce(amounts.c.monthly, 0),
            UtmMismatch.since,
        )
        .outerjoin(applied, of(applied))
        .outerjoin(contracted, of(contracted))
        .outerjoin(utms, of(utms))
        .outerjoin(amounts, of(amounts))
        .outerjoin(UtmMismatch, UtmMismatch.customer_id == Customer.id)
        .where(Customer.id.in_(customer_ids))
    )
    found = {}
    for customer_id, *values in rows:
        noted = Figures(*values)
        # Until the next check, the noted day may belong to a difference that has ended, and a new one has none yet.
        found[customer_id] = replace(noted, since=None if noted.agrees else noted.since or today)
    return found


def record_mismatches(session: Session, *, today: date) -> None:
    """Note the customers whose numbers of applied, contracted and registered UTMs disagree, with the first such day."""
    differing = set(session.scalars(select(Customer.id).where(Customer.deleted_at.is_(None), differs(today))))
    known = set(session.scalars(select(UtmMismatch.customer_id)))
    session.execute(
        delete(UtmMismatch)
        .where(UtmMismatch.customer_id.in_(known - differing))
        .execution_options(synchronize_session=False)
    )
    session.add_all(UtmMismatch(customer_id=customer_id, since=today) for customer_id in sorted(differing - known))
