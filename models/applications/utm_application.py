"""UTM追加申請 (§8.3): the applications of customers for more UTMs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.applications.application import REASON_LENGTH
from models.applications.delivery import DeliveryColumns, application_parts
from models.customers.customer import Customer
from models.db import Base
from models.scope import TenantScoped
from models.versioned import Versioned


class UtmApplicationState(StrEnum):
    """The states of a UTM application. It cannot be held."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


class UtmApplication(Versioned, TenantScoped, Base):
    """A customer's application. Without an applicant, its mail goes to the customer's contact person."""

    __tablename__ = "utm_application"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        CheckConstraint("id ~ '^UAP-[0-9A-Z]{8}$'", name="ck_utm_application_id"),
        CheckConstraint("state IN ('pending', 'approved', 'denied')", name="ck_utm_application_state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="ck_utm_application_decided_at"),
        Index("ix_utm_application_tenant_id_applied_at", "tenant_id", "applied_at", "id"),
        Index("ix_utm_application_tenant_id_customer_id", "tenant_id", "customer_id"),
    )

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(9))
    state: Mapped[str] = mapped_column(String(12), server_default=UtmApplicationState.PENDING.value)
    applicant_name: Mapped[str] = mapped_column(String(256), server_default="")
    applicant_email: Mapped[str] = mapped_column(String(254), server_default="")
    applied_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[str] = mapped_column(String(320), server_default="")
    reason: Mapped[str] = mapped_column(String(REASON_LENGTH), server_default="")

    customer: Mapped[Customer] = relationship("Customer", foreign_keys=[customer_id], back_populates="utm_applications")
    deliveries: Mapped[list[UtmDelivery]] = application_parts("UtmDelivery", order_by="id")

    @property
    def is_open(self) -> bool:
        """Whether the application can still be decided."""
        return self.state == UtmApplicationState.PENDING

    @property
    def utm_count(self) -> int:
        """The number of UTMs applied for."""
        return sum(delivery.utm_count for delivery in self.deliveries)

    @property
    def recipient(self) -> tuple[str, str]:
        """The name and the e-mail address of whom its mail is sent to."""
        if self.applicant_email:
            return self.applicant_name or self.customer.contact_name, self.applicant_email
        return self.customer.contact_name, self.customer.contact_email


class UtmDelivery(DeliveryColumns, TenantScoped, Base):
    """A delivery address of a UTM application."""

    __tablename__ = "utm_delivery"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "application_id"], ["utm_application.tenant_id", "utm_application.id"], ondelete="CASCADE"
        ),
        Index("ix_utm_delivery_tenant_id_application_id", "tenant_id", "application_id"),
        CheckConstraint("utm_count BETWEEN 1 AND 99", name="ck_utm_delivery_utm_count"),
    )

    application_id: Mapped[str] = mapped_column(String(12))
