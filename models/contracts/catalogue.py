"""The catalogue maintained by NEC staff: products, rate plans with charges, and NEC's wholesale prices (§7.5, §7.6).

The catalogue belongs to no tenant. Items used by contracts are retired instead of deleted, and the charges of a rate
plan in use cannot be changed, so that the price of an existing contract never changes.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db import Base
from models.versioned import Versioned

MAX_AMOUNT = 99_999_999_999
"""The maximum amount in yen of a contract's lines together, and of the usage of a charge in a month.

An invoice is issued with all others of its tenant, so one amount that does not fit into its column would stop them all.
"""


class Cycle(StrEnum):
    """The billing cycle of a rate plan's flat fee."""

    MONTHLY = "monthly"
    YEARLY = "yearly"
    ONCE = "once"


class ChargeModel(StrEnum):
    """The calculation model of a charge (モデル): 定額課金, 従量(数量), ディスカウント-割引率."""

    FLAT = "flat"
    USAGE = "usage"
    DISCOUNT = "discount"


class Product(Versioned, Base):
    """A product that is sold (商品)."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    includes_utm: Mapped[bool] = mapped_column(Boolean)
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    rate_plans: Mapped[list[RatePlan]] = relationship(
        "RatePlan", back_populates="product", order_by="RatePlan.id", passive_deletes="all"
    )


class RatePlan(Versioned, Base):
    """A price model of a product (料金プラン), which determines what a contract line costs.

    ``counts_utms`` is whether the quantity of a line is a number of UTMs.
    """

    __tablename__ = "rate_plan"
    __table_args__ = (
        UniqueConstraint("product_id", "name", name="uq_rate_plan_name"),
        CheckConstraint("cycle IN ('monthly', 'yearly', 'once')", name="ck_rate_plan_cycle"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    name: Mapped[str] = mapped_column(String(100))
    cycle: Mapped[str] = mapped_column(String(8))
    price_editable: Mapped[bool] = mapped_column(Boolean, server_default="false")
    counts_utms: Mapped[bool] = mapped_column(Boolean, server_default="false")
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    product: Mapped[Product] = relationship("Product", back_populates="rate_plans")
    charges: Mapped[list[Charge]] = relationship(
        "Charge", back_populates="rate_plan", order_by="Charge.id", passive_deletes="all"
    )
    wholesale_prices: Mapped[list[WholesalePrice]] = relationship(
        "WholesalePrice", back_populates="rate_plan", order_by="WholesalePrice.valid_from.desc()", passive_deletes="all"
    )

    @property
    def flat_price(self) -> Decimal:
        """The unit price of the flat charge in yen, the default price of a contract line; 0 without a flat charge."""
        return next((each.unit_price for each in self.charges if each.model == ChargeModel.FLAT), Decimal(0))

    def wholesale_price(self, day: date) -> Decimal:
        """Return NEC's unit price in yen on a day; 0 before the first price is valid."""
        return next((each.unit_price for each in self.wholesale_prices if each.valid_from <= day), Decimal(0))


class Charge(Versioned, Base):
    """A part of a rate plan (課金).

    ``unit_price`` is in yen, or a percentage for a discount. A discount applies to the first ``discount_months`` months
    of a contract, or to every month if that is NULL.
    """

    __tablename__ = "charge"
    __table_args__ = (
        UniqueConstraint("rate_plan_id", "name", name="uq_charge_name"),
        CheckConstraint("model IN ('flat', 'usage', 'discount')", name="ck_charge_model"),
        CheckConstraint("unit_price >= 0", name="ck_charge_unit_price"),
        CheckConstraint("model <> 'discount' OR unit_price BETWEEN 1 AND 100", name="ck_charge_percentage"),
        CheckConstraint(
            "discount_months IS NULL OR (model = 'discount' AND discount_months > 0)", name="ck_charge_months"
        ),
        Index("uq_charge_one_flat", "rate_plan_id", unique=True, postgresql_where=text("model = 'flat'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rate_plan_id: Mapped[int] = mapped_column(ForeignKey("rate_plan.id"))
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500), server_default="")
    model: Mapped[str] = mapped_column(String(8))
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 0))
    discount_months: Mapped[int | None]

    rate_plan: Mapped[RatePlan] = relationship("RatePlan", back_populates="charges")


class WholesalePrice(Versioned, Base):
    """The price that NEC charges the partner for one unit of a rate plan, starting from ``valid_from``."""

    __tablename__ = "wholesale_price"
    __table_args__ = (
        UniqueConstraint("rate_plan_id", "valid_from", name="uq_wholesale_price_valid_from"),
        CheckConstraint("unit_price >= 0", name="ck_wholesale_price_unit_price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rate_plan_id: Mapped[int] = mapped_column(ForeignKey("rate_plan.id"))
    valid_from: Mapped[date]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 0))

    rate_plan: Mapped[RatePlan] = relationship("RatePlan", back_populates="wholesale_prices")
