"""The statement that bills many contracts at once costs to the yen what ``charges`` says."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select, text
from sqlalchemy.orm import selectinload

from models.contracts.billing import DUE, charges, due_parameters
from models.contracts.catalogue import Charge, Product, RatePlan
from models.contracts.contract import Contract, ContractLine
from models.contracts.invoice import Usage
from models.contracts.terms import add_months

CONTRACTS = 2_000
FIRST = date(2023, 11, 1)
MONTHS = [date(2023, 12, 1), date(2024, 2, 1), date(2025, 2, 1), date(2025, 4, 1), date(2026, 12, 1)]
DAYS = [date(2023, 11, 30), date(2024, 1, 31), date(2024, 2, 29), date(2025, 2, 1), date(2026, 12, 31)]


def catalogue(pick: random.Random) -> Product:
    """A product with plans of each cycle and every mixture of charges."""
    product = Product(name="何でも", includes_utm=True)
    for number in range(12):
        plan = RatePlan(product=product, name=f"プラン{number}", cycle=pick.choice(["monthly", "yearly", "once"]))
        kinds = pick.sample(["flat", "discount", "discount", "usage", "usage"], pick.randint(1, 5))
        for place, model in enumerate(kinds):
            price = pick.randint(1, 60) if model == "discount" else pick.choice([0, 1, 333, 6600])
            limited = model == "discount" and pick.random() < 0.5
            plan.charges.append(
                Charge(
                    name=f"課金{place}",
                    model=model,
                    unit_price=price,
                    discount_months=pick.randint(1, 14) if limited else None,
                )
            )
    return product


def random_day(pick: random.Random) -> date:
    return pick.choice(DAYS) if pick.random() < 0.4 else FIRST + timedelta(days=pick.randrange(1200))


def random_contract(pick: random.Random, tenant_id: str, customer_id: str, product: Product) -> Contract:
    start, status = random_day(pick), pick.choice(["active", "active", "cancelled", "expired", "void"])
    end = add_months(start, pick.choice([1, 6, 12, 24])) - timedelta(days=1)
    contract = Contract(tenant_id=tenant_id, customer_id=customer_id, product=product, start_on=start, term_end_on=end)
    contract.status, contract.auto_renew, contract.end_on = status, pick.random() < 0.5, end
    if status == "cancelled":
        contract.end_on = start + timedelta(days=pick.randint(-20, 500))
        contract.cancellation_fee = pick.choice([None, Decimal(0), Decimal(19800)])
    for _ in range(pick.randint(1, 3)):
        begins = start + timedelta(days=pick.choice([0, 0, 3, 40, 400]))
        line = ContractLine(
            tenant_id=tenant_id,
            rate_plan=pick.choice(product.rate_plans),
            quantity=pick.randint(1, 5),
            unit_price=pick.choice([0, 1, 999, 6600]),
            starts_on=begins,
            ends_on=begins + timedelta(days=pick.randint(0, 400)) if pick.random() < 0.3 else None,
        )
        contract.lines.append(line)
        for charge in line.rate_plan.charges:
            if charge.model == "usage" and pick.random() < 0.5:
                month = pick.choice(MONTHS)
                quantity = pick.randint(0, 9)
                line.usages.append(Usage(tenant_id=tenant_id, charge_id=charge.id, month=month, quantity=quantity))
    return contract


def test_2000_random_contracts_cost_the_same_both_ways(make, in_tenant):
    pick = random.Random(20261128)
    customer = make.customer()
    product = catalogue(pick)
    make.session.add(product)
    make.session.flush()
    make.session.add_all([random_contract(pick, customer.tenant_id, customer.id, product) for _ in range(CONTRACTS)])
    make.session.commit()
    everything = (
        selectinload(Contract.lines).selectinload(ContractLine.usages),
        selectinload(Contract.lines).joinedload(ContractLine.rate_plan).selectinload(RatePlan.charges),
    )
    with in_tenant(customer.tenant_id) as session:
        contracts = session.scalars(select(Contract).options(*everything)).all()
        billed = Counter()
        for month in MONTHS:
            expected = Counter(
                (
                    *(contract.id, each.line_id, str(each.kind), each.plan_name, each.charge_name),
                    *(each.from_on, each.to_on, each.quantity, each.unit_price, each.amount),
                )
                for contract in contracts
                for each in charges(contract, month)
            )
            rows = session.execute(text(DUE), due_parameters(month)).all()
            found = Counter(
                (
                    *(row.contract_id, row.line_id, row.kind, row.plan_name, row.charge_name),
                    *(row.from_on, row.to_on, row.quantity, row.unit_price, row.amount),
                )
                for row in rows
            )
            assert found == expected
            billed.update(row.kind for row in rows)

    # Otherwise the comparison would say little.
    assert min(billed[kind] for kind in ("flat", "discount", "usage", "fee")) > 10
