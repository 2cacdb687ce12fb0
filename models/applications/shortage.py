"""契約不足 (§5.4.1 (2)): customers that applied for more UTMs than their contracts include.

The figures come from ``models.applications.reconciliation``.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import (
    ARRAY,
    DateTime,
    ForeignKey,
    String,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import scope
from models.applications.reconciliation import applied_counts, contracted_counts, record_mismatches
from models.customers.customer import Customer
from models.db import Base
from models.mail import outbox
from models.notifications import address
from models.scope import TenantScoped
from models.tenants import settings as tenant_settings
from models.tenants.tenant import Tenant


class ShortageNotice(TenantScoped, Base):
    """The customers in the last mail about missing contracts, so that the same list is not mailed twice."""

    __tablename__ = "shortage_notice"

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    customer_ids: Mapped[list[str]] = mapped_column(ARRAY(String(9)))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


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
    record_mismatches(session, today=today)
    notify(session, today=today, now=now)
