"""The figures of customers, by what their contracts in force and their UTMs are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from models.applications.reconciliation import Figures, differs, figures_of
from models.contracts.billing import monthly_amount
from models.customers.customer import Customer

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
TODAY = date(2026, 11, 25)
YEAR = {"start_on": date(2026, 1, 1), "end_on": date(2026, 12, 31)}


@pytest.fixture
def customer(make):
    return make.customer()


@pytest.fixture
def figures(in_tenant, customer):
    def read(*rows):
        rows = rows or (customer,)
        with in_tenant(customer.tenant_id) as session:
            found = figures_of(
                session, [row.id for row in rows], today=TODAY, now=NOW, online_for=timedelta(minutes=10)
            )
            differing = set(session.scalars(select(Customer.id).where(differs(TODAY))))
        for row in rows:
            assert found[row.id].agrees is (row.id not in differing), "The search must find what the list shows."
        return [found[row.id] for row in rows]

    return read


def test_a_customer_with_nothing_has_no_figures_and_agrees(figures):
    assert figures() == [Figures(None, 0, 0, 0, Decimal(0), None)]


@pytest.mark.parametrize(
    ("contract", "line", "counts"),
    [
        ({}, {}, True),
        ({"status": "void"}, {}, False),
        ({"start_on": date(2026, 11, 26), "end_on": date(2027, 11, 25)}, {}, False),
        ({"start_on": TODAY, "end_on": date(2027, 11, 24)}, {}, True),
        ({"status": "cancelled", "end_on": TODAY}, {}, True),
        ({"status": "cancelled", "end_on": date(2026, 11, 24)}, {}, False),
        ({}, {"ends_on": TODAY}, True),
        ({}, {"ends_on": date(2026, 11, 24)}, False),
        ({}, {"starts_on": date(2026, 11, 26)}, False),
    ],
)
def test_only_what_is_in_force_today_counts_and_costs(make, customer, figures, contract, line, counts):
    made = make.contract(customer_row=customer, **YEAR | contract)
    make.contract_line(contract=made, quantity=2, **line)

    (found,) = figures()

    assert (found.contracted, found.monthly) == ((2, Decimal(13200)) if counts else (0, Decimal(0)))


def test_the_monthly_amount_is_that_of_monthly_plans_less_lasting_discounts(make, customer, figures):
    made = make.contract(customer_row=customer, **YEAR)
    plan = make.rate_plan(product=made.product, price=3333)
    make.charge(rate_plan=plan, model="discount", unit_price=10)
    make.charge(rate_plan=plan, model="discount", unit_price=50, discount_months=60)
    make.charge(rate_plan=plan, model="usage", unit_price=7)
    make.contract_line(contract=made, rate_plan=plan, quantity=2)
    make.session.expire_all()
    regular = monthly_amount(made, TODAY)
    for cycle in ("yearly", "once"):
        make.contract_line(contract=made, rate_plan=make.rate_plan(product=made.product, cycle=cycle))

    assert figures()[0].monthly == regular == Decimal(6000)


def test_utms_count_until_they_are_removed_and_are_online_for_a_while(make, customer, figures):
    for seen in (None, NOW - timedelta(minutes=11), NOW - timedelta(minutes=9)):
        make.utm(customer_row=customer, last_seen_at=seen)
    make.utm(customer_row=customer, last_seen_at=NOW, removed_at=NOW)

    (found,) = figures()

    assert (found.registered, found.online) == (3, 1)


def test_several_customers_are_read_at_once(make, customer, figures):
    other = make.customer(tenant_id=customer.tenant_id)
    make.utm_application(customer_row=other, state="approved")

    nothing, applied = figures(customer, other)

    assert (nothing.applied, applied.applied) == (None, 2)
    assert (nothing.since, applied.since) == (None, TODAY)
