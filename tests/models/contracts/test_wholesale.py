"""What NEC charges for the contracts of a month equals a calculation day by day."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from models.contracts.billing import month_end
from models.contracts.catalogue import Product, RatePlan, WholesalePrice
from models.contracts.contract import Contract, ContractLine
from models.contracts.terms import add_months
from models.contracts.wholesale import status_of_month

CONTRACTS = 600
FIRST = date(2023, 11, 1)
DAYS = [date(2023, 11, 30), date(2024, 1, 31), date(2024, 2, 29), date(2025, 2, 1), date(2026, 12, 31)]
CASES = [
    # A month that is over, the running one in its middle, on its 2nd, on its last day and on its 1st.
    (date(2024, 2, 1), date(2026, 12, 10)),
    (date(2025, 2, 1), date(2025, 2, 15)),
    (date(2025, 2, 1), date(2025, 2, 28)),
    (date(2025, 1, 1), date(2025, 2, 1)),
    (date(2025, 2, 1), date(2025, 2, 2)),
    (date(2025, 2, 1), date(2025, 2, 1)),
    (date(2026, 12, 1), date(2027, 1, 5)),
]


def catalogue(pick: random.Random) -> list[RatePlan]:
    plans = []
    for product_name in ("何でも", "その他"):
        product = Product(name=product_name, includes_utm=True)
        for cycle in ("monthly", "yearly", "once", "monthly"):
            plan = RatePlan(product=product, name=f"プラン{len(plans)}", cycle=cycle)
            plan.wholesale_prices = [
                WholesalePrice(valid_from=day, unit_price=pick.choice([0, 1, 3300, 4999]))
                for day in pick.sample([date(2023, 1, 1), date(2025, 2, 1), date(2025, 2, 2), date(2026, 1, 1)], 3)
            ]
            plans.append(plan)
    return plans


def random_day(pick: random.Random) -> date:
    return pick.choice(DAYS) if pick.random() < 0.4 else FIRST + timedelta(days=pick.randrange(1200))


def random_contract(pick: random.Random, customer, plans: list[RatePlan]) -> Contract:
    start, status = random_day(pick), pick.choice(["active", "active", "cancelled", "expired", "void"])
    end = add_months(start, pick.choice([1, 6, 12, 24])) - timedelta(days=1)
    contract = Contract(tenant_id=customer.tenant_id, customer_id=customer.id, product=plans[0].product)
    contract.start_on, contract.term_end_on, contract.end_on = start, end, end
    contract.status, contract.auto_renew = status, pick.random() < 0.5
    if status == "cancelled":
        contract.end_on = start + timedelta(days=pick.randint(-20, 500))
    for _ in range(pick.randint(1, 3)):
        begins = start + timedelta(days=pick.choice([0, 0, 3, 40, 400]))
        contract.lines.append(
            ContractLine(
                tenant_id=customer.tenant_id,
                rate_plan=pick.choice(plans),
                quantity=pick.randint(1, 5),
                unit_price=6600,
                starts_on=begins,
                ends_on=begins + timedelta(days=pick.randint(0, 400)) if pick.random() < 0.3 else None,
            )
        )
    return contract


def served(contract: Contract, line: ContractLine, day: date) -> bool:
    return contract.in_force(day) and line.in_force(day)


def day_counts(line: ContractLine, day: date) -> bool:
    """Whether a day makes NEC bill a line that is in force on it."""
    if line.rate_plan.cycle == "once":
        return day == line.starts_on
    if line.rate_plan.cycle == "yearly":
        return any(day == add_months(line.starts_on, 12 * years) for years in range(10))
    return True


def expected(contracts: list[Contract], month: date, today: date) -> tuple[Counter, Counter]:
    present, billed = Counter(), Counter()
    shown_on = min(today, month_end(month))
    past = [month + timedelta(days=number) for number in range(31)]
    past = [day for day in past if day <= month_end(month) and day < today]
    for contract in contracts:
        for line in contract.lines:
            # A line never begins before its contract, so the days of the line alone decide.
            if served(contract, line, shown_on):
                present[line.rate_plan_id] += line.quantity
            if any(served(contract, line, day) and day_counts(line, day) for day in past):
                billed[line.rate_plan_id] += line.quantity
    return present, billed


def test_600_random_contracts_are_charged_as_a_calculation_day_by_day_says(make, in_tenant, statements):
    pick = random.Random(20261129)
    customer = make.customer()
    plans = catalogue(pick)
    make.session.add_all(plans)
    make.session.flush()
    make.session.add_all([random_contract(pick, customer, plans) for _ in range(CONTRACTS)])
    make.session.commit()
    with in_tenant(customer.tenant_id) as session:
        contracts = session.scalars(
            select(Contract).options(selectinload(Contract.lines).joinedload(ContractLine.rate_plan))
        ).all()
        for month, today in CASES:
            present, billed = expected(contracts, month, today)
            del statements[:]
            found = {each.plan_id: each for each in status_of_month(session, month, today=today)}
            assert len(statements) == 1
            assert {key: each.present for key, each in found.items() if each.present} == present, (month, today)
            assert {key: each.billed for key, each in found.items() if each.billed} == billed, (month, today)
            assert all(each.present or each.billed for each in found.values())
            for plan in plans:
                prices = {
                    each.valid_from: each.unit_price for each in plan.wholesale_prices if each.valid_from <= month
                }
                price = prices[max(prices)] if prices else Decimal(0)
                if plan.id in found:
                    assert (found[plan.id].unit_price, found[plan.id].amount) == (price, price * billed[plan.id])
            if today == month:
                assert not billed
            else:
                assert len(billed) > 5


def test_nothing_of_another_tenant_is_counted(make, in_tenant):
    plan = make.rate_plan()
    make.wholesale_price(rate_plan=plan)
    dates = {"start_on": date(2026, 11, 5), "end_on": date(2027, 11, 4)}
    ours, theirs = (make.contract(product=plan.product, **dates) for _ in range(2))
    for contract, quantity in ((ours, 2), (theirs, 5)):
        make.contract_line(contract=contract, rate_plan=plan, quantity=quantity)
    with in_tenant(ours.tenant_id) as session:
        (found,) = status_of_month(session, date(2026, 11, 1), today=date(2026, 11, 6))
    assert (found.product, found.plan, found.present, found.amount) == (plan.product.name, plan.name, 2, Decimal(8000))


@pytest.mark.parametrize(("today", "billed"), [(date(2026, 11, 1), 0), (date(2026, 11, 2), 3), (date(2026, 11, 30), 3)])
def test_a_contract_that_begins_on_the_1st_is_billed_from_the_2nd_on(make, in_tenant, today, billed):
    contract = make.contract(start_on=date(2026, 11, 1), end_on=date(2027, 10, 31))
    make.contract_line(contract=contract, quantity=3)
    with in_tenant(contract.tenant_id) as session:
        (found,) = status_of_month(session, date(2026, 11, 1), today=today)
    assert (found.present, found.billed) == (3, billed)
