"""契約不足 (§5.4.1 (2)): customers that applied for more UTMs than their contracts include.

The same figures, with the registered and online UTMs beside them, are the page 照合.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Subquery,
    delete,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import scope
from models.applications.application import ApplicationState, ServiceApplication, ServiceDelivery
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery
from models.contracts.catalogue import RatePlan
from models.contracts.contract import Contract, ContractLine, counting, last_line_day
from models.customers.customer import Customer
from models.db import Base
from models.mail import outbox
from models.notifications import address
from models.scope import TenantScoped
from models.tenants import settings as tenant_settings
from models.tenants.tenant import Tenant
from models.utms.utm import Utm


class ShortageNotice(TenantScoped, Base):
    """The customers in the last mail about missing contracts, so that the same list is not mailed twice."""

    __tablename__ = "shortage_notice"

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    customer_ids: Mapped[list[str]] = mapped_column(ARRAY(String(9)))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


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


def short_customers(session: Session, *, today: date, now: datetime) -> list[str]:
    """Return the IDs of the session's customers that need the mail: older than the grace days and not exempt.

    :param today: the day in Asia/Tokyo.
    """
    grace = timedelta(days=tenant_settings.of_tenant(session).shortage_grace_days)
    applied, contracted = applied_counts(), contracted_counts(today)
    return list(
        session.scalars(
            select(Customer.id)
            .join(applied, applied.c.customer_id == Customer.id)
            .outerjoin(contracted, contracted.c.customer_id == Customer.id)
            .where(
                Customer.deleted_at.is_(None),
                Customer.shortage_exemption == "",
                Customer.created_at < now - grace,
                applied.c.applied > func.coalesce(contracted.c.contracted, 0),
            )
            .order_by(Customer.id)
        )
    )


def notify(session: Session, *, today: date, now: datetime) -> bool:
    """Mail the tenant the customers with missing contracts, if they are others than in the last mail.

    An empty list is noted without a mail.

    :returns: whether a mail was written.
    """
    tenant_id = scope.own_tenant_id(session)
    customer_ids = short_customers(session, today=today, now=now)
    notice = session.scalar(select(ShortageNotice).with_for_update())
    if notice is None:
        notice = ShortageNotice(customer_ids=[], updated_at=now)
        session.add(notice)
    if notice.customer_ids == customer_ids:
        return False
    recipients = address.in_force(session, tenant_id)
    if customer_ids and not recipients:
        # It is mailed as soon as there is an address.
        return False
    notice.customer_ids, notice.updated_at = customer_ids, now
    if not customer_ids:
        return False
    values = {
        "TenantName": str(session.get_one(Tenant, tenant_id).name),
        "TenantId": tenant_id,
        "CustomerIds": "\n".join(customer_ids),
    }
    outbox.write(session, "contract_shortage", recipients, values, now=now, tenant_id=tenant_id)
    return True


def check(session: Session, *, today: date, now: datetime) -> None:
    """Do the check of a morning: note since when the numbers of UTMs disagree, and mail the tenant if necessary.

    :param today: the day in Asia/Tokyo.
    """
    note_mismatches(session, today=today)
    notify(session, today=today, now=now)


def registered_counts() -> Subquery:
    """Return a subquery of the number of registered UTMs: ``customer_id``, ``registered``."""
    return (
        select(Utm.customer_id, func.count().label("registered"))
        .where(Utm.removed_at.is_(None))
        .group_by(Utm.customer_id)
        .subquery("registered")
    )


def note_mismatches(session: Session, *, today: date) -> None:
    """Note the customers whose numbers of applied, contracted and registered UTMs disagree, with the first such day."""
    applied, contracted, registered = applied_counts(), contracted_counts(today), registered_counts()
    numbers = [
        func.coalesce(applied.c.applied, 0),
        func.coalesce(contracted.c.contracted, 0),
        func.coalesce(registered.c.registered, 0),
    ]
    differing = set(
        session.scalars(
            select(Customer.id)
            .outerjoin(applied, applied.c.customer_id == Customer.id)
            .outerjoin(contracted, contracted.c.customer_id == Customer.id)
            .outerjoin(registered, registered.c.customer_id == Customer.id)
            .where(Customer.deleted_at.is_(None), func.greatest(*numbers) != func.least(*numbers))
        )
    )
    known = set(session.scalars(select(UtmMismatch.customer_id)))
    session.execute(
        delete(UtmMismatch)
        .where(UtmMismatch.customer_id.in_(known - differing))
        .execution_options(synchronize_session=False)
    )
    session.add_all(UtmMismatch(customer_id=customer_id, since=today) for customer_id in sorted(differing - known))
