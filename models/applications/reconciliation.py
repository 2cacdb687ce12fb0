"""照合: the numbers of UTMs that a customer applied for, contracted and registered, and since when they disagree."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Date, ForeignKeyConstraint, Index, Select, String, Subquery, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.applications.application import ApplicationState, ServiceApplication, ServiceDelivery
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery
from models.contracts.catalogue import RatePlan
from models.contracts.contract import Contract, ContractLine, counting, last_line_day
from models.customers.customer import Customer
from models.db import Base
from models.scope import TenantScoped
from models.utms.utm import Utm


class UtmMismatch(TenantScoped, Base):
    """Since which day a customer's numbers of UTMs disagree. Kept up every morning."""

    __tablename__ = "utm_mismatch"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        Index("ix_utm_mismatch_tenant_id_customer_id", "tenant_id", "customer_id"),
    )

    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    since: Mapped[date] = mapped_column(Date)


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
        .where(
            counting(),
            RatePlan.counts_utms,
            Contract.start_on <= today,
            ContractLine.starts_on <= today,
            func.coalesce(last_line_day(), today) >= today,
        )
        .group_by(Contract.customer_id)
        .subquery("contracted")
    )


def registered_counts() -> Subquery:
    """Return a subquery of the number of registered UTMs: ``customer_id``, ``registered``."""
    return (
        select(Utm.customer_id, func.count().label("registered"))
        .where(Utm.removed_at.is_(None))
        .group_by(Utm.customer_id)
        .subquery("registered")
    )


def differing_customers(today: date) -> Select[str]:
    """Return the query for the IDs of customers whose numbers of applied, contracted and registered UTMs disagree.

    Of a customer without an approved application, only contracts and UTMs are compared.

    :param today: the day in Asia/Tokyo.
    """
    applied, contracted, registered = applied_counts(), contracted_counts(today), registered_counts()
    numbers = [
        func.coalesce(applied.c.applied, contracted.c.contracted, 0),
        func.coalesce(contracted.c.contracted, 0),
        func.coalesce(registered.c.registered, 0),
    ]
    return (
        select(Customer.id)
        .outerjoin(applied, applied.c.customer_id == Customer.id)
        .outerjoin(contracted, contracted.c.customer_id == Customer.id)
        .outerjoin(registered, registered.c.customer_id == Customer.id)
        .where(Customer.deleted_at.is_(None), func.greatest(*numbers) != func.least(*numbers))
    )


def note_mismatches(session: Session, *, today: date) -> None:
    """Note the customers whose numbers of applied, contracted and registered UTMs disagree, with the first such day."""
    differing = set(session.scalars(differing_customers(today)))
    known = set(session.scalars(select(UtmMismatch.customer_id)))
    session.execute(
        delete(UtmMismatch)
        .where(UtmMismatch.customer_id.in_(known - differing))
        .execution_options(synchronize_session=False)
    )
    session.add_all(UtmMismatch(customer_id=customer_id, since=today) for customer_id in sorted(differing - known))
