"""Maintain the catalogue of products, rate plans, charges and wholesale prices (§7.5, §7.6). Only NEC staff may do so.

A change locks its product or rate plan before it looks for contracts that use it, and creating a contract takes a shared
lock on both (``rules.py``). So either the change sees the new contract, or the contract is created from the changed item.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models import audit, clock
from models.actor import Actor
from models.contracts.catalogue import Charge, ChargeModel, Product, RatePlan, WholesalePrice
from models.contracts.contract import Contract, ContractLine
from models.errors import N_, DomainError
from models.plain_rules import PlainRules, apply_change, apply_creation
from models.row_lock import lock
from models.scope import all_tenants
from models.versioned import lock_version

PRODUCT_IN_USE = N_(
    "Contracts use this product. It can be retired, but not deleted, and whether it includes a UTM stays."
)
PRODUCT_HAS_PLANS = N_("The product has rate plans. Delete them first.")
PLAN_IN_USE = N_(
    "Contracts use this rate plan. Its charges, its billing cycle and what it counts stay, so that no contract changes its price."
)
PLAN_KEPT = N_("Contracts use this rate plan. It can be retired, but not deleted.")
PERCENTAGE = N_("Enter a percentage from 1 to 100.")
TOO_MUCH_DISCOUNT = N_("The discounts of a rate plan must not exceed 100 percent in total.")
MONTHS_OF_A_DISCOUNT = N_("Only a discount ends after a number of months.")
PRICE_IN_FORCE = N_("Only a price that is valid from a day after the 1st of this month can be changed or deleted.")
PRODUCT_NAME_TAKEN = N_("A product with this name already exists.")
PLAN_NAME_TAKEN = N_("The product already has a rate plan with this name.")
CHARGE_NAME_TAKEN = N_("The rate plan already has a charge with this name.")
ONE_FLAT_CHARGE = N_("A rate plan can have only one flat charge, and this one already has one.")
DAY_TAKEN = N_("There is already a wholesale price that is valid from this day.")

PRODUCT_ERRORS = {"product_name_key": ("name", PRODUCT_NAME_TAKEN)}
PLAN_ERRORS = {"uq_rate_plan_name": ("name", PLAN_NAME_TAKEN)}
CHARGE_ERRORS = {
    "uq_charge_name": ("name", CHARGE_NAME_TAKEN),
    "uq_charge_one_flat": ("model", ONE_FLAT_CHARGE),
}
PRICE_ERRORS = {"uq_wholesale_price_valid_from": ("valid_from", DAY_TAKEN)}
"""The errors for violated unique indexes of each table."""

CHARGE_TEXTS = frozenset({"name", "description"})
"""The columns of a charge that can be changed while contracts use its rate plan."""

_REASON = "the catalogue is shared, so contracts of every tenant count as its use"


def product_in_use(product_id: int) -> bool:
    """Return whether a contract of any tenant uses a product."""
    return _any_tenant_has(Contract.product_id == product_id)


def plan_in_use(rate_plan_id: int) -> bool:
    """Return whether a contract line of any tenant uses a rate plan, including ended and void ones."""
    return _any_tenant_has(ContractLine.rate_plan_id == rate_plan_id)


def plans_in_use(rate_plan_ids: Collection[int]) -> set[int]:
    """Return the IDs of those of some rate plans that a contract line of any tenant uses."""
    used = exists().where(ContractLine.rate_plan_id == RatePlan.id)
    with all_tenants(_REASON) as session:
        return set(session.scalars(select(RatePlan.id).where(RatePlan.id.in_(rate_plan_ids), used)))


def _any_tenant_has(condition: Any) -> bool:
    with all_tenants(_REASON) as session:
        return bool(session.scalar(select(exists().where(condition))))


class RetiredRules(PlainRules):
    """Rules for items that can be retired: existing contracts keep them, but new contracts cannot use them."""

    def retire(self, session: Session, row: Any, *, now: datetime, by: Actor) -> None:
        """Retire an item. Has no effect if it is already retired."""
        lock(session, row)
        if row.retired_at is None:
            apply_change(session, row, {"retired_at": now}, action=f"{self.name}.retired", by=by)

    def reactivate(self, session: Session, row: Any, *, by: Actor) -> None:
        """Make a retired item available again. Has no effect if it is not retired."""
        lock(session, row)
        if row.retired_at is not None:
            apply_change(session, row, {"retired_at": None}, action=f"{self.name}.reactivated", by=by)


class ProductRules(RetiredRules):
    """Rules for products."""

    def change(self, session: Session, row: Product, values: Mapping[str, Any], *, version: int, by: Actor) -> None:
        """Change a product.

        :raises Conflict: it was changed in the meantime.
        :raises DomainError: nothing changes, or contracts rely on whether it includes a UTM.
        """
        lock_version(session, row, version)
        if values["includes_utm"] != row.includes_utm and product_in_use(row.id):
            raise DomainError(PRODUCT_IN_USE, field="includes_utm")
        apply_change(session, row, values, action="product.changed", by=by)

    def delete(self, session: Session, row: Product, *, now: datetime, by: Actor) -> None:
        """Delete a product that was never used.

        :raises DomainError: a contract uses it, or it has rate plans.
        """
        lock(session, row)
        if refusal := self.refusal_to_delete(session, row):
            raise refusal
        super().delete(session, row, now=now, by=by)

    def refusal_to_delete(self, session: Session, row: Product) -> DomainError | None:
        """Return the reason why a product cannot be deleted; None if it can."""
        return self.refusals_to_delete(session, [row.id])[row.id]

    def refusals_to_delete(self, session: Session, product_ids: Collection[int]) -> dict[int, DomainError | None]:
        """Return the same for several products, by their IDs."""
        used = exists().where(Contract.product_id == Product.id)
        with all_tenants(_REASON) as everywhere:
            in_use = set(everywhere.scalars(select(Product.id).where(Product.id.in_(product_ids), used)))
        with_plans = set(session.scalars(select(RatePlan.product_id).where(RatePlan.product_id.in_(product_ids))))
        return {
            key: DomainError(PRODUCT_IN_USE)
            if key in in_use
            else (DomainError(PRODUCT_HAS_PLANS) if key in with_plans else None)
            for key in product_ids
        }


class RatePlanRules(RetiredRules):
    """Rules for rate plans."""

    def add(self, session: Session, product: Product, values: Mapping[str, Any], *, by: Actor) -> RatePlan:
        """Add a rate plan to a product.

        :raises Gone: the product was deleted in the meantime.
        """
        lock(session, product)
        plan = RatePlan(product_id=product.id, **values)
        apply_creation(session, plan, action="rate_plan.created", by=by)
        return plan

    def change(self, session: Session, row: RatePlan, values: Mapping[str, Any], *, version: int, by: Actor) -> None:
        """Change a rate plan.

        :raises Conflict: it was changed in the meantime.
        :raises DomainError: nothing changes, or it would change the price or the number of UTMs of existing contracts.
        """
        lock_version(session, row, version)
        fixed = next((name for name in ("cycle", "counts_utms") if values[name] != getattr(row, name)), None)
        if fixed and plan_in_use(row.id):
            raise DomainError(PLAN_IN_USE, field=fixed)
        apply_change(session, row, values, action="rate_plan.changed", by=by)

    def delete(self, session: Session, row: RatePlan, *, now: datetime, by: Actor) -> None:
        """Delete a rate plan that was never used, with its charges and wholesale prices.

        :raises DomainError: a contract uses it.
        """
        lock(session, row)
        if plan_in_use(row.id):
            raise DomainError(PLAN_KEPT)
        for part in [*row.charges, *row.wholesale_prices]:
            name = "charge" if isinstance(part, Charge) else "wholesale_price"
            audit.record(session, f"{name}.deleted", part, by=by, before=audit.values_of(part))
            session.delete(part)
        session.flush()
        super().delete(session, row, now=now, by=by)


class ChargeRules(PlainRules):
    """Rules for charges."""

    def add(self, session: Session, plan: RatePlan, values: Mapping[str, Any], *, by: Actor) -> Charge:
        """Add a charge to a rate plan.

        :raises DomainError: contracts use the plan, or a value is not allowed.
        :raises Gone: the plan was deleted in the meantime.
        """
        lock(session, plan)
        if plan_in_use(plan.id):
            raise DomainError(PLAN_IN_USE)
        charge = Charge(rate_plan_id=plan.id, **_checked(session, plan.id, values))
        apply_creation(session, charge, action="charge.created", by=by)
        return charge

    def change(self, session: Session, row: Charge, values: Mapping[str, Any], *, version: int, by: Actor) -> None:
        """Change a charge.

        :param values: while contracts use the plan, only name and description may differ.
        :raises Conflict: it was changed in the meantime.
        :raises DomainError: nothing changes, contracts use the plan, or a value is not allowed.
        """
        lock(session, row.rate_plan)
        lock_version(session, row, version)
        fixed = next((name for name in values if name not in CHARGE_TEXTS and values[name] != getattr(row, name)), None)
        if fixed and plan_in_use(row.rate_plan_id):
            raise DomainError(PLAN_IN_USE)
        if fixed:
            present = {name: getattr(row, name) for name in ("model", "unit_price", "discount_months")}
            values = _checked(session, row.rate_plan_id, present | dict(values), other_than=row.id)
        apply_change(session, row, values, action="charge.changed", by=by)

    def delete(self, session: Session, row: Charge, *, now: datetime, by: Actor) -> None:
        """Delete a charge.

        :raises DomainError: contracts use its rate plan.
        """
        lock(session, row.rate_plan)
        if plan_in_use(row.rate_plan_id):
            raise DomainError(PLAN_IN_USE)
        super().delete(session, row, now=now, by=by)


class WholesalePriceRules(PlainRules):
    """Rules for wholesale prices. Prices that apply to this month or earlier ones cannot be changed."""

    def add(self, session: Session, plan: RatePlan, values: Mapping[str, Any], *, by: Actor) -> WholesalePrice:
        """Add a price that is valid from any day, past or future.

        :raises Gone: the plan was deleted in the meantime.
        """
        lock(session, plan)
        price = WholesalePrice(rate_plan_id=plan.id, **values)
        apply_creation(session, price, action="wholesale_price.created", by=by)
        return price

    def revise(  # noqa: PLR0913  (needs the day in addition to what every change needs)
        self,
        session: Session,
        row: WholesalePrice,
        values: Mapping[str, Any],
        *,
        version: int,
        today: date,
        by: Actor,
    ) -> None:
        """Change a price that is not valid yet.

        :param today: the day in Asia/Tokyo.
        :raises Conflict: it was changed in the meantime.
        :raises DomainError: nothing changes, or the price is in force.
        """
        lock_version(session, row, version)
        if in_force(row, today):
            raise DomainError(PRICE_IN_FORCE)
        apply_change(session, row, values, action="wholesale_price.changed", by=by)

    def delete(self, session: Session, row: WholesalePrice, *, now: datetime, by: Actor) -> None:
        """Delete a price that is not valid yet.

        :raises DomainError: it is in force.
        """
        lock(session, row)
        if in_force(row, clock.tokyo_day(now)):
            raise DomainError(PRICE_IN_FORCE)
        super().delete(session, row, now=now, by=by)


def in_force(price: WholesalePrice, today: date) -> bool:
    """Return whether a wholesale price became valid on or before the first day of this month.

    :param today: the day in Asia/Tokyo.
    """
    return price.valid_from <= clock.month_start(today)


def _checked(
    session: Session, rate_plan_id: int, values: Mapping[str, Any], *, other_than: int | None = None
) -> dict[str, Any]:
    """Validate and return the values of a charge. The rate plan must be locked, because its discounts are summed.

    :param other_than: the ID of the charge being changed, which is excluded from the sum.
    """
    if values["model"] != ChargeModel.DISCOUNT:
        if values["discount_months"] is not None:
            raise DomainError(MONTHS_OF_A_DISCOUNT, field="discount_months")
        return dict(values)
    if not 1 <= values["unit_price"] <= 100:
        raise DomainError(PERCENTAGE, field="unit_price")
    discounts = select(func.coalesce(func.sum(Charge.unit_price), 0)).where(
        Charge.rate_plan_id == rate_plan_id, Charge.model == ChargeModel.DISCOUNT, Charge.id != (other_than or 0)
    )
    if Decimal(session.scalar(discounts) or 0) + values["unit_price"] > 100:
        raise DomainError(TOO_MUCH_DISCOUNT, field="unit_price")
    return dict(values)


products = ProductRules(Product, "product")
rate_plans = RatePlanRules(RatePlan, "rate_plan")
charges = ChargeRules(Charge, "charge")
wholesale_prices = WholesalePriceRules(WholesalePrice, "wholesale_price")
