from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from models.contracts.income import income_of


@pytest.fixture
def contract(make):
    """6,600 yen a month from the end of September on, the first month free."""
    contract = make.contract(start_on=date(2026, 9, 30), end_on=date(2027, 9, 29))
    plan = make.rate_plan(product=contract.product)
    make.charge(rate_plan=plan, model="discount", unit_price=100, discount_months=1)
    make.contract_line(contract=contract, rate_plan=plan)
    # One that begins later in this month, and one of another tenant.
    starts = make.contract(customer_row=contract.customer, start_on=date(2026, 11, 30), end_on=date(2027, 11, 29))
    make.contract_line(contract=starts)
    make.contract_line(quantity=100)
    return contract


def incomes(session) -> list[int]:
    """The income of November, October and September, as the dashboard shows it in November."""
    months = [(date(2026, 11, 1), False), (date(2026, 10, 1), True), (date(2026, 9, 1), True)]
    return [
        int(value) for value in session.execute(select(*(income_of(day, invoiced=old) for day, old in months))).one()
    ]


def test_without_invoices_the_charges_count_with_their_discounts(contract, in_tenant):
    with in_tenant(contract.tenant_id) as session:
        assert incomes(session) == [13_200, 6_600, 0]


def test_the_invoices_of_a_month_count_instead_of_its_charges(make, contract, in_tenant):
    for month, total in (
        (date(2026, 11, 1), 9),
        (date(2026, 10, 1), 5_000),
        (date(2026, 10, 1), 1_000),
        (date(2026, 9, 1), 700),
    ):
        make.invoice(customer=make.customer(tenant_id=contract.tenant_id), month=month, total=total)
    with in_tenant(contract.tenant_id) as session:
        assert incomes(session) == [13_200, 6_000, 700]


def test_without_any_contract_everything_is_0(make, in_tenant):
    with in_tenant(make.tenant().id) as session:
        assert incomes(session) == [0, 0, 0]
