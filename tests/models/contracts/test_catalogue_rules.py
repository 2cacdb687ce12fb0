"""What contracts use of the catalogue stays as it is; discounts and wholesale prices have their limits."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.contracts import catalogue_rules, rules
from models.contracts.catalogue import Charge, Product, RatePlan, WholesalePrice
from models.contracts.catalogue_rules import charges, products, rate_plans, wholesale_prices
from models.contracts.rules import LineValues
from models.customers.customer import Customer
from models.errors import DomainError

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
TODAY = date(2026, 11, 20)
FLAT = {"name": "基本", "description": "", "model": "flat", "unit_price": Decimal(6600), "discount_months": None}
DISCOUNT = FLAT | {"name": "割引", "model": "discount", "unit_price": Decimal(60)}


@pytest.fixture
def session(context, engine):
    """A session outside any tenant, as staff screens have it."""
    with Session(engine) as session:
        yield session


@pytest.fixture
def used(make):
    """A rate plan that a contract uses."""
    plan = make.rate_plan()
    make.contract_line(contract=make.contract(product=plan.product), rate_plan=plan)
    return plan


def refused(message, rule):
    with pytest.raises(DomainError) as told:
        rule()
    assert told.value.message == message


def test_a_charge_of_a_plan_in_use_is_not_added_changed_or_deleted(session, used):
    plan = session.get_one(RatePlan, used.id)
    charge = plan.charges[0]
    values = {name: getattr(charge, name) for name in FLAT}

    for rule in (
        lambda: charges.add(session, plan, DISCOUNT, by=SYSTEM),
        lambda: charges.change(session, charge, values | {"unit_price": Decimal(1)}, version=1, by=SYSTEM),
        lambda: charges.delete(session, charge, now=NOW, by=SYSTEM),
    ):
        refused(catalogue_rules.PLAN_IN_USE, rule)
    charges.change(session, charge, {"name": "新しい名前", "description": "説明"}, version=1, by=SYSTEM)
    session.commit()

    assert (charge.name, charge.unit_price) == ("新しい名前", 6600)


def test_a_plan_in_use_keeps_its_cycle_and_what_it_counts_and_is_retired_instead_of_deleted(session, used):
    plan = session.get_one(RatePlan, used.id)
    values = {"name": plan.name, "cycle": "monthly", "price_editable": False, "counts_utms": True}

    for changed in ({"cycle": "yearly"}, {"counts_utms": False}):
        refused(
            catalogue_rules.PLAN_IN_USE,
            lambda changed=changed: rate_plans.change(session, plan, values | changed, version=1, by=SYSTEM),
        )
    refused(catalogue_rules.PLAN_KEPT, lambda: rate_plans.delete(session, plan, now=NOW, by=SYSTEM))
    rate_plans.change(session, plan, values | {"name": "改称", "price_editable": True}, version=1, by=SYSTEM)
    rate_plans.retire(session, plan, now=NOW, by=SYSTEM)
    session.commit()

    assert (plan.name, plan.retired_at) == ("改称", NOW)


def test_a_product_in_use_is_retired_and_sold_again_but_not_deleted(session, used):
    product = session.get_one(Product, used.product_id)

    refused(catalogue_rules.PRODUCT_IN_USE, lambda: products.delete(session, product, now=NOW, by=SYSTEM))
    values = {"name": product.name, "includes_utm": False}
    refused(catalogue_rules.PRODUCT_IN_USE, lambda: products.change(session, product, values, version=1, by=SYSTEM))
    products.retire(session, product, now=NOW, by=SYSTEM)
    products.retire(session, product, now=NOW, by=SYSTEM)
    products.reactivate(session, product, by=SYSTEM)
    session.commit()

    assert product.retired_at is None


def test_unused_items_are_deleted_with_what_is_below_them_and_each_is_audited(session, make):
    plan = session.get_one(RatePlan, make.rate_plan().id)
    make.wholesale_price(rate_plan_id=plan.id)
    product = plan.product

    refused(catalogue_rules.PRODUCT_HAS_PLANS, lambda: products.delete(session, product, now=NOW, by=SYSTEM))
    rate_plans.delete(session, plan, now=NOW, by=SYSTEM)
    session.flush()
    products.delete(session, product, now=NOW, by=SYSTEM)
    session.commit()

    kept = [session.scalar(select(model.id)) for model in (Product, RatePlan, Charge, WholesalePrice)]
    assert kept == [None] * 4
    actions = make.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["charge.deleted", "wholesale_price.deleted", "rate_plan.deleted", "product.deleted"]


def test_the_discounts_of_a_plan_are_100_percent_or_less_together(session, make):
    plan = session.get_one(RatePlan, make.rate_plan().id)
    first = charges.add(session, plan, DISCOUNT, by=SYSTEM)
    second = DISCOUNT | {"name": "初月割引", "unit_price": Decimal(41), "discount_months": 1}

    refused(catalogue_rules.TOO_MUCH_DISCOUNT, lambda: charges.add(session, plan, second, by=SYSTEM))
    charges.add(session, plan, second | {"unit_price": Decimal(40)}, by=SYSTEM)
    more = DISCOUNT | {"unit_price": Decimal(61)}
    refused(catalogue_rules.TOO_MUCH_DISCOUNT, lambda: charges.change(session, first, more, version=1, by=SYSTEM))
    charges.change(session, first, DISCOUNT | {"unit_price": Decimal(59)}, version=1, by=SYSTEM)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (DISCOUNT | {"unit_price": Decimal(0)}, catalogue_rules.PERCENTAGE),
        (DISCOUNT | {"unit_price": Decimal(101)}, catalogue_rules.PERCENTAGE),
        (FLAT | {"discount_months": 3}, catalogue_rules.MONTHS_OF_A_DISCOUNT),
    ],
)
def test_a_charge_that_cannot_be_calculated_is_refused(session, make, values, message):
    plan = session.get_one(RatePlan, make.rate_plan(price=None).id)

    refused(message, lambda: charges.add(session, plan, values, by=SYSTEM))


def test_a_plan_has_one_flat_charge(session, make):
    plan = session.get_one(RatePlan, make.rate_plan().id)

    with pytest.raises(IntegrityError, match="uq_charge_one_flat"):
        charges.add(session, plan, FLAT, by=SYSTEM)


def test_a_wholesale_price_is_added_any_time_and_changed_only_before_it_is_valid(session, used):
    plan = session.get_one(RatePlan, used.id)
    days = {day: {"valid_from": day, "unit_price": Decimal(4000)} for day in (date(2026, 11, 1), date(2026, 11, 2))}
    past, to_come = (wholesale_prices.add(session, plan, values, by=SYSTEM) for values in days.values())
    new = {"unit_price": Decimal(4500)}

    refused(
        catalogue_rules.PRICE_IN_FORCE,
        lambda: wholesale_prices.revise(session, past, new, version=1, today=TODAY, by=SYSTEM),
    )
    refused(catalogue_rules.PRICE_IN_FORCE, lambda: wholesale_prices.delete(session, past, now=NOW, by=SYSTEM))
    wholesale_prices.revise(session, to_come, new, version=1, today=TODAY, by=SYSTEM)
    wholesale_prices.delete(session, to_come, now=NOW, by=SYSTEM)


def values_of_contract(plan):
    return {
        "product_id": plan.product_id,
        "start_on": TODAY,
        "initial_months": 12,
        "renewal_months": 12,
        "ships_utm": False,
        "lines": [LineValues(plan.id, 1, Decimal(6600))],
    }


def in_parallel(first, second):
    """Run one function, and meanwhile another that has to wait for it; return what the second raised."""
    outcome = []

    def run() -> None:
        try:
            second()
        except DomainError as refusal:
            outcome.append(refusal.message)
        else:
            outcome.append("done")

    thread = threading.Thread(target=run)
    first(lambda: (thread.start(), thread.join(0.5), outcome.append("waits") if thread.is_alive() else None))
    thread.join(20)
    return outcome


def test_a_charge_is_not_added_while_a_contract_with_its_plan_is_made(context, make, engine, in_tenant):
    plan, customer = make.rate_plan(), make.customer()

    def make_contract(meanwhile) -> None:
        with in_tenant(customer.tenant_id) as session:
            owner = session.get_one(Customer, customer.id)
            rules.create(session, owner, values_of_contract(plan), now=NOW, by=SYSTEM)
            meanwhile()
            session.commit()

    def add_charge() -> None:
        with context.app_context(), Session(engine) as session:
            charges.add(session, session.get_one(RatePlan, plan.id), DISCOUNT, by=SYSTEM)
            session.commit()

    assert in_parallel(make_contract, add_charge) == ["waits", catalogue_rules.PLAN_IN_USE]


@pytest.mark.parametrize("item", ["product", "plan"])
def test_a_contract_is_not_made_with_what_is_retired_meanwhile_even_if_its_form_read_it_before(
    context, make, engine, in_tenant, item
):
    plan, customer = make.rate_plan(), make.customer()

    def retire(meanwhile) -> None:
        with Session(engine) as session:
            if item == "plan":
                rate_plans.retire(session, session.get_one(RatePlan, plan.id), now=NOW, by=SYSTEM)
            else:
                products.retire(session, session.get_one(Product, plan.product_id), now=NOW, by=SYSTEM)
            session.flush()
            meanwhile()
            session.commit()

    def make_contract() -> None:
        with in_tenant(customer.tenant_id) as session:
            offered = session.get_one(RatePlan, plan.id)
            assert offered.product.retired_at is None
            owner = session.get_one(Customer, customer.id)
            rules.create(session, owner, values_of_contract(plan), now=NOW, by=SYSTEM)
            session.commit()

    message = rules.RETIRED_PLAN if item == "plan" else rules.RETIRED_PRODUCT
    assert in_parallel(retire, make_contract) == ["waits", message]


def test_of_two_discounts_added_at_once_the_second_sees_the_first(context, make, engine):
    plan = make.rate_plan()

    def add(name, meanwhile=lambda: None) -> None:
        with context.app_context(), Session(engine) as session:
            charges.add(session, session.get_one(RatePlan, plan.id), DISCOUNT | {"name": name}, by=SYSTEM)
            meanwhile()
            session.commit()

    outcome = in_parallel(lambda meanwhile: add("一", meanwhile), lambda: add("二"))

    assert outcome == ["waits", catalogue_rules.TOO_MUCH_DISCOUNT]
