"""Customers' invoices, corrections for the next invoice, and the usage recorded by staff."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.contracts.contract import ContractLine
from models.customers.customer import Customer
from models.db import Base, CreatedAt
from models.scope import TenantScoped
from models.versioned import Versioned

_FIRST_OF_MONTH = "extract(day FROM month) = 1"


class LineKind(StrEnum):
    """The subject of an invoice line: a charge (by its model), the cancellation fee, or a correction."""

    FLAT = "flat"
    USAGE = "usage"
    DISCOUNT = "discount"
    FEE = "fee"
    CORRECTION = "correction"


class Invoice(Versioned, TenantScoped, Base):
    """The invoice of a customer for a month. Its lines are never changed; ``paid_on`` is NULL until it is paid.

    ``month`` is the first day of the month.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "customer_id", "month", name="uq_invoice_customer_month"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        CheckConstraint(_FIRST_OF_MONTH, name="ck_invoice_month"),
        Index("ix_invoice_tenant_id_month", "tenant_id", "month"),
        Index("ix_invoice_unpaid", "tenant_id", "customer_id", postgresql_where=text("paid_on IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(9))
    month: Mapped[date]
    total: Mapped[Decimal] = mapped_column(Numeric(14, 0))
    issued_on: Mapped[date]
    paid_on: Mapped[date | None]

    customer: Mapped[Customer] = relationship("Customer", foreign_keys=[customer_id])
    lines: Mapped[list[InvoiceLine]] = relationship(
        "InvoiceLine",
        foreign_keys="InvoiceLine.invoice_id",
        back_populates="invoice",
        order_by="InvoiceLine.id",
        passive_deletes="all",
    )

    @property
    def name(self) -> str:
        """The invoice number shown to users, such as ``A00000001-202611``."""
        return f"{self.customer_id}-{self.month:%Y%m}"


class InvoiceLine(TenantScoped, Base):
    """A line of an invoice. It stores names and prices as they were when the invoice was issued.

    ``unit_price`` is in yen, or a percentage for a discount.
    """

    __tablename__ = "invoice_line"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoice.tenant_id", "invoice.id"]),
        ForeignKeyConstraint(["tenant_id", "contract_id"], ["contract.tenant_id", "contract.id"]),
        CheckConstraint("kind IN ('flat', 'usage', 'discount', 'fee', 'correction')", name="ck_invoice_line_kind"),
        Index("ix_invoice_line_tenant_id_invoice_id", "tenant_id", "invoice_id"),
        Index("ix_invoice_line_tenant_id_contract_id", "tenant_id", "contract_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(BigInteger)
    contract_id: Mapped[str | None] = mapped_column(String(11))
    # No foreign key, because a contract line that never took effect is deleted.
    line_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(10))
    plan_name: Mapped[str] = mapped_column(String(100), server_default="")
    charge_name: Mapped[str] = mapped_column(String(200))
    from_on: Mapped[date | None]
    to_on: Mapped[date | None]
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 0))
    unit_price: Mapped[Decimal] = mapped_column(Numeric(14, 0))
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 0))

    invoice: Mapped[Invoice] = relationship("Invoice", foreign_keys=[invoice_id], back_populates="lines")


class Correction(TenantScoped, Base):
    """An amount to add to or subtract from the customer's next invoice. ``invoice_id`` is NULL until then."""

    __tablename__ = "correction"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        ForeignKeyConstraint(["tenant_id", "contract_id"], ["contract.tenant_id", "contract.id"]),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoice.tenant_id", "invoice.id"]),
        Index("ix_correction_waiting", "tenant_id", "customer_id", postgresql_where=text("invoice_id IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(9))
    contract_id: Mapped[str | None] = mapped_column(String(11))
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 0))
    reason: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[CreatedAt]
    invoice_id: Mapped[int | None] = mapped_column(BigInteger)

    customer: Mapped[Customer] = relationship("Customer", foreign_keys=[customer_id])


class Usage(TenantScoped, Base):
    """The quantity of a usage charge (従量) for a contract line in a month."""

    __tablename__ = "usage"
    __table_args__ = (
        UniqueConstraint("line_id", "charge_id", "month", name="uq_usage_month"),
        ForeignKeyConstraint(
            ["tenant_id", "line_id"], ["contract_line.tenant_id", "contract_line.id"], ondelete="CASCADE"
        ),
        CheckConstraint(_FIRST_OF_MONTH, name="ck_usage_month"),
        CheckConstraint("quantity >= 0", name="ck_usage_quantity"),
        Index("ix_usage_tenant_id_month", "tenant_id", "month"),
        Index("ix_usage_charge_id", "charge_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    line_id: Mapped[int] = mapped_column(BigInteger)
    charge_id: Mapped[int] = mapped_column(ForeignKey("charge.id"))
    month: Mapped[date]
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 0))

    line: Mapped[ContractLine] = relationship("ContractLine", foreign_keys=[line_id], back_populates="usages")
