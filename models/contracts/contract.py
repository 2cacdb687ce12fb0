"""Contracts (契約) and products: what is needed to decide whether a UTM can be registered.

Products are maintained by NEC and do not belong to a tenant.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Sequence,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.customers.customer import Customer
from models.db import Base, CreatedAt
from models.scope import TenantScoped

contract_number = Sequence("contract_number", start=1, maxvalue=99999999)


class ContractStatus(StrEnum):
    """The states of a contract. ``void`` marks one that was made by mistake, which rules ignore."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VOID = "void"


class Product(Base):
    """A product that is sold (商品)."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    includes_utm: Mapped[bool] = mapped_column(Boolean)


class Contract(TenantScoped, Base):
    """A customer's subscription. ``end_on`` is the last day of the term or, once cancelled, of the service."""

    __tablename__ = "contract"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        CheckConstraint("id ~ '^A-S[0-9]{8}$'", name="ck_contract_id"),
        CheckConstraint("status IN ('active', 'cancelled', 'expired', 'void')", name="ck_contract_status"),
        CheckConstraint("end_on >= start_on", name="ck_contract_end_on"),
        Index("ix_contract_tenant_id_customer_id", "tenant_id", "customer_id"),
    )

    id: Mapped[str] = mapped_column(
        String(11),
        primary_key=True,
        server_default=text("'A-S' || lpad(nextval('contract_number')::text, 8, '0')"),
    )
    customer_id: Mapped[str] = mapped_column(String(9))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    start_on: Mapped[date]
    end_on: Mapped[date]
    status: Mapped[str] = mapped_column(String(16), server_default=ContractStatus.ACTIVE.value)
    created_at: Mapped[CreatedAt]

    customer: Mapped[Customer] = relationship("Customer", foreign_keys=[customer_id], back_populates="contracts")
    product: Mapped[Product] = relationship("Product", lazy="joined", innerjoin=True)

    @property
    def counts(self) -> bool:
        """Whether rules consider the contract. A void one was made by mistake."""
        return self.status != ContractStatus.VOID

    @property
    def renews(self) -> bool:
        """Whether the contract is renewed at the end of its term, that is, not cancelled."""
        return self.status == ContractStatus.ACTIVE


def allows_utm(session: Session, customer_id: str, *, today: date) -> bool:
    """Whether a customer has a current or future contract whose product includes a UTM (§7.8).

    :param today: the day in Asia/Tokyo.
    """
    found = session.scalar(
        select(Contract.id)
        .join(Product)
        .where(
            Contract.customer_id == customer_id,
            Contract.status != ContractStatus.VOID,
            Contract.end_on >= today,
            Product.includes_utm,
        )
        .limit(1)
    )
    return found is not None
