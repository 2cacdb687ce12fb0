"""Contracts (契約) of customers with their lines (契約情報, §7.5 to §7.7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    Sequence,
    String,
    UniqueConstraint,
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import clock
from models.contracts.catalogue import Product, RatePlan
from models.customers.customer import Customer
from models.db import Base, CreatedAt
from models.numbering import next_number
from models.scope import TenantScoped
from models.versioned import Versioned

contract_number = Sequence("contract_number", start=1, maxvalue=99999999)

SHIPPING = (
    "ship_company",
    "ship_last_name",
    "ship_first_name",
    "ship_department",
    "ship_postcode",
    "ship_prefecture",
    "ship_address",
    "ship_phone",
)
"""The columns of the UTM's shipping address (UTM送付先情報)."""


class ContractStatus(StrEnum):
    """The states of a contract. ``void`` marks one that was created by mistake, which the rules ignore."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VOID = "void"


class Contract(Versioned, TenantScoped, Base):
    """A customer's subscription.

    ``term_end_on`` is the last day of the current term. ``end_on`` (契約終了日) is the same or, once cancelled, the last
    day of service. ``cancellation_fee`` is NULL unless a fee is charged. ``ships_utm`` is whether NEC ships the UTM; it
    is NULL for a product without a UTM.
    """

    __tablename__ = "contract"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        CheckConstraint("id ~ '^A-S[0-9]{8}$'", name="ck_contract_id"),
        CheckConstraint("status IN ('active', 'cancelled', 'expired', 'void')", name="ck_contract_status"),
        # A contract can be cancelled before it starts.
        CheckConstraint("end_on >= start_on OR status IN ('cancelled', 'void')", name="ck_contract_end_on"),
        CheckConstraint("initial_months > 0 AND renewal_months > 0", name="ck_contract_months"),
        CheckConstraint("cancellation_fee >= 0", name="ck_contract_cancellation_fee"),
        CheckConstraint("utm_id ~ '^[0-9a-f]{12}$'", name="ck_contract_utm_id"),
        Index("ix_contract_tenant_id_customer_id", "tenant_id", "customer_id"),
        Index("ix_contract_tenant_id_end_on", "tenant_id", "end_on"),
        Index("ix_contract_product_id", "product_id"),
    )

    id: Mapped[str] = mapped_column(
        String(11),
        primary_key=True,
        insert_sentinel=True,
        server_default=next_number("A-S", "contract_number"),
    )
    customer_id: Mapped[str] = mapped_column(String(9))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    start_on: Mapped[date]
    initial_months: Mapped[int] = mapped_column(server_default="12")
    renewal_months: Mapped[int] = mapped_column(server_default="12")
    renewals: Mapped[int] = mapped_column(server_default="0")
    auto_renew: Mapped[bool] = mapped_column(Boolean, server_default="true")
    term_end_on: Mapped[date]
    end_on: Mapped[date]
    status: Mapped[str] = mapped_column(String(16), server_default=ContractStatus.ACTIVE.value)
    cancellation_fee: Mapped[Decimal | None] = mapped_column(Numeric(14, 0))
    memo1: Mapped[str] = mapped_column(String(500), server_default="")
    memo2: Mapped[str] = mapped_column(String(255), server_default="")
    memo3: Mapped[str] = mapped_column(String(255), server_default="")
    ships_utm: Mapped[bool | None]
    utm_id: Mapped[str | None] = mapped_column(String(12))
    ship_company: Mapped[str] = mapped_column(String(40), server_default="")
    ship_last_name: Mapped[str] = mapped_column(String(100), server_default="")
    ship_first_name: Mapped[str] = mapped_column(String(100), server_default="")
    ship_department: Mapped[str] = mapped_column(String(40), server_default="")
    ship_postcode: Mapped[str] = mapped_column(String(8), server_default="")
    ship_prefecture: Mapped[str] = mapped_column(String(4), server_default="")
    ship_address: Mapped[str] = mapped_column(String(100), server_default="")
    ship_phone: Mapped[str] = mapped_column(String(15), server_default="")
    # The delivery, recorded by NEC staff (着荷予定日, 伝票番号).
    arrival_on: Mapped[date | None]
    tracking_number: Mapped[str] = mapped_column(String(50), server_default="")
    created_at: Mapped[CreatedAt]

    customer: Mapped[Customer] = relationship("Customer", foreign_keys=[customer_id], back_populates="contracts")
    product: Mapped[Product] = relationship("Product", lazy="joined", innerjoin=True)
    lines: Mapped[list[ContractLine]] = relationship(
        "ContractLine",
        foreign_keys="ContractLine.contract_id",
        back_populates="contract",
        order_by="ContractLine.id",
        cascade="save-update, merge, delete, delete-orphan",
    )

    @property
    def counts(self) -> bool:
        """Whether the rules take the contract into account. A void one was created by mistake."""
        return self.status != ContractStatus.VOID

    @property
    def renews(self) -> bool:
        """Whether the contract is renewed when the term ends."""
        return self.status == ContractStatus.ACTIVE and self.auto_renew

    @property
    def last_service_day(self) -> date | None:
        """The last day of service; None while the contract is renewed automatically."""
        return None if self.renews else self.end_on

    @property
    def ship_name(self) -> str:
        """The full name of the UTM's recipient (氏名), family name first."""
        return f"{self.ship_last_name} {self.ship_first_name}".strip()

    @property
    def present_lines(self) -> list[ContractLine]:
        """The lines that were not removed."""
        return [line for line in self.lines if line.ends_on is None]

    def in_force(self, day: date) -> bool:
        """Return whether the contract is in force on a day; a cancelled one is until its last day of service."""
        last = self.last_service_day
        return self.counts and self.start_on <= day and (last is None or day <= last)

    def utm_count(self, day: date) -> int:
        """Return the number of UTMs that the contract includes on a day; 0 if it is not in force."""
        if not self.in_force(day):
            return 0
        return sum(line.quantity for line in self.lines if line.rate_plan.counts_utms and line.in_force(day))


class ContractLine(TenantScoped, Base):
    """A rate plan of a contract (契約情報) with its quantity and the unit price of its flat charge.

    ``ends_on`` is the last day of a line that was removed.
    """

    __tablename__ = "contract_line"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "contract_id"], ["contract.tenant_id", "contract.id"]),
        CheckConstraint("quantity > 0", name="ck_contract_line_quantity"),
        CheckConstraint("unit_price >= 0", name="ck_contract_line_unit_price"),
        CheckConstraint("ends_on >= starts_on", name="ck_contract_line_ends_on"),
        Index("ix_contract_line_tenant_id_contract_id", "tenant_id", "contract_id"),
        Index("ix_contract_line_rate_plan_id", "rate_plan_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    contract_id: Mapped[str] = mapped_column(String(11))
    rate_plan_id: Mapped[int] = mapped_column(ForeignKey("rate_plan.id"))
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 0))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]

    contract: Mapped[Contract] = relationship("Contract", foreign_keys=[contract_id], back_populates="lines")
    rate_plan: Mapped[RatePlan] = relationship("RatePlan")
    usages: Mapped[list[Any]] = relationship(
        "Usage", foreign_keys="Usage.line_id", back_populates="line", passive_deletes="all"
    )

    def in_force(self, day: date) -> bool:
        """Return whether the line is part of its contract on a day."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    def touches(self, month: date) -> bool:
        """Return whether the line and its contract are in force on any day of a month.

        :param month: the first day of the month.
        """
        lasts = [day for day in (self.ends_on, self.contract.last_service_day) if day is not None]
        end = min([clock.next_month(month) - timedelta(days=1), *lasts])
        return self.contract.counts and max(self.starts_on, month) <= end


def counting() -> ColumnElement[bool]:
    """Return the condition that the rules take a ``Contract`` into account; see ``Contract.counts``."""
    return Contract.status != ContractStatus.VOID


def renewing() -> ColumnElement[bool]:
    """Return the condition that a ``Contract`` is renewed when its term ends; see ``Contract.renews``."""
    return and_(Contract.status == ContractStatus.ACTIVE, Contract.auto_renew)


def last_line_day() -> ColumnElement[date | None]:
    """Return an SQL expression for the last day of a line's service, for a statement that joins ``Contract``.

    It is NULL if the service has no end yet.
    """
    # LEAST ignores NULL.
    return func.least(ContractLine.ends_on, case((renewing(), None), else_=Contract.end_on), type_=Date)


def contracted_utms(session: Session, customer_id: str, *, today: date) -> int:
    """Return the number of UTMs that a customer's current and future contracts include.

    :param today: the day in Asia/Tokyo.
    """
    return contracted_by_customer(session, [customer_id], today=today).get(customer_id, 0)


def contracted_by_customer(session: Session, customer_ids: Iterable[str], *, today: date) -> dict[str, int]:
    """Return the numbers of UTMs that the contracts of customers include, without customers that have none.

    See :func:`contracted_utms`.
    """
    # A contract to come counts with what it includes on its first day.
    day, last = func.greatest(today, Contract.start_on), last_line_day()
    counted = session.execute(
        select(Contract.customer_id, func.sum(ContractLine.quantity))
        .join(ContractLine, ContractLine.contract_id == Contract.id)
        .join(RatePlan, RatePlan.id == ContractLine.rate_plan_id)
        .where(
            Contract.customer_id.in_(list(customer_ids)),
            counting(),
            RatePlan.counts_utms,
            ContractLine.starts_on <= day,
            or_(last.is_(None), last >= day),
        )
        .group_by(Contract.customer_id)
    ).all()
    return {customer_id: int(number) for customer_id, number in counted}


def allows_utm(session: Session, customer_id: str, *, today: date) -> bool:
    """Return whether a customer has a current or future contract whose product includes a UTM (§7.8).

    :param today: the day in Asia/Tokyo.
    """
    return bool(allowing_utm(session, [customer_id], today=today))


def allowing_utm(session: Session, customer_ids: Iterable[str], *, today: date) -> set[str]:
    """Return those of several customers for whom a UTM can be registered, like :func:`allows_utm`."""
    return set(
        session.scalars(
            select(Contract.customer_id)
            .join(Product)
            .where(
                Contract.customer_id.in_(list(customer_ids)),
                counting(),
                # The end of a contract that is renewed may have passed, until the nightly run moves it.
                or_(Contract.end_on >= today, renewing()),
                Product.includes_utm,
            )
            .distinct()
        )
    )
