"""Customers (顧客企業, §7.1 to §7.4): the companies that buy the service from a tenant."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    DateTime,
    Index,
    Numeric,
    Sequence,
    String,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db import Base, CreatedAt
from models.name_key import stored_key
from models.numbering import next_number
from models.scope import TenantScoped
from models.values.company_name import SORTED_WITHOUT, search_key
from models.versioned import Versioned

customer_number = Sequence("customer_number", start=1, maxvalue=99999999)

_SORT_NAME = f"regexp_replace(search_name, '{SORTED_WITHOUT}', '')"

_CONTACT_KEY = stored_key("contact_last_name || contact_first_name")


class CustomerStatus(StrEnum):
    """The status derived from the contracts: none yet, a current or future one, or all ended."""

    DRAFT = "draft"
    ACTIVE = "active"
    CANCELLED = "cancelled"


class Customer(Versioned, TenantScoped, Base):
    """A customer company with its contact person."""

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("id ~ '^A[0-9]{8}$'", name="ck_customer_id"),
        CheckConstraint("status IN ('draft', 'active', 'cancelled')", name="ck_customer_status"),
        Index("ix_customer_tenant_id_search_name", "tenant_id", "search_name"),
        Index("ix_customer_tenant_id_sort_name", "tenant_id", "sort_name", "id"),
    )

    id: Mapped[str] = mapped_column(
        String(9),
        primary_key=True,
        insert_sentinel=True,
        server_default=next_number("A", "customer_number"),
    )
    name: Mapped[str] = mapped_column(String(40))
    # The normalized name for search, kept in sync by the listener below.
    search_name: Mapped[str] = mapped_column(Text)
    # The name without its legal form, for sorting. Computed by the database.
    sort_name: Mapped[str] = mapped_column(Text, Computed(_SORT_NAME, persisted=True))
    status: Mapped[str] = mapped_column(String(16), server_default=CustomerStatus.DRAFT.value)
    memo1: Mapped[str] = mapped_column(String(255), server_default="")
    memo2: Mapped[str] = mapped_column(String(255), server_default="")
    memo3: Mapped[str] = mapped_column(String(255), server_default="")
    contact_last_name: Mapped[str] = mapped_column(String(100))
    contact_first_name: Mapped[str] = mapped_column(String(100))
    # The contact person's normalized name for search. Computed by the database.
    contact_key: Mapped[str] = mapped_column(Text, Computed(_CONTACT_KEY, persisted=True))
    contact_department: Mapped[str] = mapped_column(String(40), server_default="")
    contact_title: Mapped[str] = mapped_column(String(255), server_default="")
    contact_email: Mapped[str] = mapped_column(String(254))
    contact_phone: Mapped[str] = mapped_column(String(15))
    postcode: Mapped[str] = mapped_column(String(8))
    prefecture: Mapped[str] = mapped_column(String(4))
    address: Mapped[str] = mapped_column(String(100))
    # The sum of unpaid invoices and the date of the newest invoice. Set by billing, not editable.
    balance: Mapped[Decimal] = mapped_column(Numeric(16, 0), server_default="0")
    last_invoiced_on: Mapped[date | None]
    # Why the check for missing contracts (§5.4.1 (2)) skips the customer; empty if it does not. Set by NEC staff.
    shortage_exemption: Mapped[str] = mapped_column(String(255), server_default="")
    created_at: Mapped[CreatedAt]
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    # By class name, because the modules of these areas import this one.
    contracts: Mapped[list[Any]] = relationship(
        "Contract", foreign_keys="Contract.customer_id", back_populates="customer", passive_deletes="all"
    )
    utms: Mapped[list[Any]] = relationship(
        "Utm", foreign_keys="Utm.customer_id", back_populates="customer", passive_deletes="all"
    )
    utm_applications: Mapped[list[Any]] = relationship(
        "UtmApplication",
        foreign_keys="UtmApplication.customer_id",
        back_populates="customer",
        order_by="UtmApplication.id",
        passive_deletes="all",
    )
    portal_users: Mapped[list[Any]] = relationship(
        "PortalUser",
        foreign_keys="PortalUser.customer_id",
        back_populates="customer",
        order_by="PortalUser.id",
        passive_deletes="all",
    )

    @property
    def contact_name(self) -> str:
        """The contact person's full name (氏名), family name first."""
        return f"{self.contact_last_name} {self.contact_first_name}".strip()


@event.listens_for(Customer.name, "set")
def _keep_search_name(customer: Customer, name: str, _old: str, _initiator: object) -> None:
    customer.search_name = search_key(name)
