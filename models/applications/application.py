"""サービス利用申請 (§8.2): the applications of companies that want to become customers, with what they entered."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.applications.delivery import DeliveryColumns, application_parts
from models.applications.extra_question import ApplicationField
from models.customers.customer import Customer
from models.db import Base
from models.scope import TenantScoped
from models.values.company_name import search_key
from models.versioned import Versioned

CONFIRMATION_LIFETIME = timedelta(hours=24)
"""How long the link in the mail サービス申込み確認 is valid. After that, an unconfirmed application is deleted."""

ANSWER_LENGTH = 255
REASON_LENGTH = 1000
MAX_USERS = 10
"""The maximum number of portal users named in an application."""


class ApplicationState(StrEnum):
    """The states of an application. An ``unconfirmed`` one was sent, but its link was not opened: no list shows it."""

    UNCONFIRMED = "unconfirmed"
    PENDING = "pending"
    HELD = "held"
    APPROVED = "approved"
    DENIED = "denied"


OPEN_STATES = frozenset({ApplicationState.PENDING, ApplicationState.HELD})
"""The states in which an application can be decided."""


class ServiceApplication(Versioned, TenantScoped, Base):
    """A company's application.

    ``submitted_at`` is when the form was sent, ``applied_at`` (申請日時) when the mailed link was confirmed.
    """

    __tablename__ = "service_application"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        CheckConstraint("id ~ '^AAP-[0-9A-Z]{8}$'", name="ck_service_application_id"),
        CheckConstraint(
            "state IN ('unconfirmed', 'pending', 'held', 'approved', 'denied')", name="ck_service_application_state"
        ),
        CheckConstraint("(state = 'unconfirmed') = (applied_at IS NULL)", name="ck_service_application_applied_at"),
        CheckConstraint(
            "(state IN ('approved', 'denied')) = (decided_at IS NOT NULL)", name="ck_service_application_decided_at"
        ),
        CheckConstraint("(state = 'approved') = (customer_id IS NOT NULL)", name="ck_service_application_customer"),
        Index("ix_service_application_tenant_id_applied_at", "tenant_id", "applied_at", "id"),
        Index("ix_service_application_tenant_id_customer_id", "tenant_id", "customer_id"),
        Index("ix_service_application_expires_at", "expires_at", postgresql_where=text("state = 'unconfirmed'")),
    )

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), server_default=ApplicationState.UNCONFIRMED.value)
    company: Mapped[str] = mapped_column(String(40))
    # The normalized company name for search, kept in sync by the listener below.
    search_name: Mapped[str] = mapped_column(Text)
    last_name: Mapped[str] = mapped_column(String(100))
    first_name: Mapped[str] = mapped_column(String(100))
    department: Mapped[str] = mapped_column(String(40), server_default="")
    title: Mapped[str] = mapped_column(String(255), server_default="")
    email: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(15))
    postcode: Mapped[str] = mapped_column(String(8))
    prefecture: Mapped[str] = mapped_column(String(4))
    address: Mapped[str] = mapped_column(String(100))
    memo1: Mapped[str] = mapped_column(String(255), server_default="")
    memo2: Mapped[str] = mapped_column(String(255), server_default="")
    memo3: Mapped[str] = mapped_column(String(255), server_default="")
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # The mailed link: SHA-256 of its token in hex, and when it expires.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    applied_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[str] = mapped_column(String(320), server_default="")
    # Why it was denied.
    reason: Mapped[str] = mapped_column(String(REASON_LENGTH), server_default="")
    customer_id: Mapped[str | None] = mapped_column(String(9))

    customer: Mapped[Customer | None] = relationship("Customer", foreign_keys=[customer_id])
    deliveries: Mapped[list[ServiceDelivery]] = application_parts("ServiceDelivery", order_by="id")
    answers: Mapped[list[ApplicationAnswer]] = application_parts("ApplicationAnswer", order_by="field_id")
    users: Mapped[list[ApplicationUser]] = application_parts("ApplicationUser", order_by="id")

    @property
    def name(self) -> str:
        """The contact person's full name (氏名), family name first."""
        return f"{self.last_name} {self.first_name}".strip()

    @property
    def is_open(self) -> bool:
        """Whether the application can still be decided."""
        return self.state in OPEN_STATES

    @property
    def utm_count(self) -> int:
        """The number of UTMs applied for."""
        return sum(delivery.utm_count for delivery in self.deliveries)


@event.listens_for(ServiceApplication.company, "set")
def _keep_search_name(application: ServiceApplication, company: str, _old: str, _initiator: object) -> None:
    application.search_name = search_key(company)


def _part_of_application(table: str) -> tuple[Any, ...]:
    """Return the constraint and the index of a table whose rows belong to an application."""
    return (
        ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["service_application.tenant_id", "service_application.id"],
            ondelete="CASCADE",
        ),
        Index(f"ix_{table}_tenant_id_application_id", "tenant_id", "application_id"),
    )


class ServiceDelivery(DeliveryColumns, TenantScoped, Base):
    """A delivery address of a service application."""

    __tablename__ = "service_delivery"
    __table_args__ = (
        *_part_of_application("service_delivery"),
        CheckConstraint("utm_count BETWEEN 1 AND 99", name="ck_service_delivery_utm_count"),
    )

    application_id: Mapped[str] = mapped_column(String(12))


class ApplicationAnswer(TenantScoped, Base):
    """The answer to one of the tenant's extra questions (追加情報)."""

    __tablename__ = "application_answer"
    __table_args__ = (
        *_part_of_application("application_answer"),
        ForeignKeyConstraint(["tenant_id", "field_id"], ["application_field.tenant_id", "application_field.id"]),
    )

    application_id: Mapped[str] = mapped_column(String(12), primary_key=True)
    field_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    value: Mapped[str] = mapped_column(String(ANSWER_LENGTH))

    field: Mapped[ApplicationField] = relationship("ApplicationField", foreign_keys=[field_id])


class ApplicationUser(TenantScoped, Base):
    """A person who is to sign in to the customers' portal (ユーザ情報)."""

    __tablename__ = "application_user"
    __table_args__ = _part_of_application("application_user")

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    application_id: Mapped[str] = mapped_column(String(12))
    last_name: Mapped[str] = mapped_column(String(256))
    first_name: Mapped[str] = mapped_column(String(256))
    email: Mapped[str] = mapped_column(String(254))
    mobile: Mapped[str] = mapped_column(String(11), server_default="")

    @property
    def name(self) -> str:
        """The full name (氏名), family name first."""
        return f"{self.last_name} {self.first_name}".strip()


class ApplicationView(TenantScoped, Base):
    """When a user last looked at an application."""

    __tablename__ = "application_view"
    __table_args__ = _part_of_application("application_view")

    application_id: Mapped[str] = mapped_column(String(12), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_name: Mapped[str] = mapped_column(String(320))
    viewed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CustomerAnswer(TenantScoped, Base):
    """A customer's present answer to an extra question, copied from its application and updated since (§7.4.2)."""

    __tablename__ = "customer_answer"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        Index("ix_customer_answer_tenant_id_customer_id", "tenant_id", "customer_id"),
        ForeignKeyConstraint(["tenant_id", "field_id"], ["application_field.tenant_id", "application_field.id"]),
    )

    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    field_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    value: Mapped[str] = mapped_column(String(ANSWER_LENGTH))

    field: Mapped[ApplicationField] = relationship("ApplicationField", foreign_keys=[field_id])
