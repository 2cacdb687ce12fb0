from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from models.contracts import income
from models.contracts.income import IncomeFigures

NOW = datetime(2026, 11, 15, 3, 0, tzinfo=UTC)


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


def figures(found: IncomeFigures) -> tuple[int, int, int, int | None]:
    return int(found.this_month), int(found.last_month), int(found.month_before), found.change


def test_without_invoices_the_charges_count_with_their_discounts(contract, in_tenant):
    with in_tenant(contract.tenant_id) as session:
        assert figures(income.compute(session, now=NOW)) == (13_200, 6_600, 0, 100)


def test_the_invoices_of_a_month_count_instead_of_its_charges(make, contract, in_tenant):
    for month, total in ((date(2026, 10, 1), 5_000), (date(2026, 10, 1), 1_000), (date(2026, 9, 1), 700)):
        make.invoice(customer=make.customer(tenant_id=contract.tenant_id), month=month, total=total)
    with in_tenant(contract.tenant_id) as session:
        assert figures(income.compute(session, now=NOW)) == (13_200, 6_000, 700, 120)


def test_without_any_contract_everything_is_0_and_nothing_is_compared(make, in_tenant):
    with in_tenant(make.tenant().id) as session:
        assert figures(income.compute(session, now=NOW)) == (0, 0, 0, None)


@pytest.mark.parametrize(("this", "last", "change"), [(0, 300, -100), (2, 3, -33), (100, -100, 200), (5, 0, None)])
def test_the_change_is_in_whole_percent_of_the_last_month(this, last, change):
    assert IncomeFigures(this_month=Decimal(this), last_month=Decimal(last)).change == change


def test_kept_figures_are_shown_until_their_month_is_over(contract, in_tenant):
    with in_tenant(contract.tenant_id) as session:
        income.refresh(session, now=NOW)
        session.commit()
        contract_row = session.merge(contract)
        contract_row.status = "void"
        session.commit()

        assert figures(income.of_tenant(session, now=NOW + timedelta(hours=3)))[0] == 13_200
        in_december = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
        assert figures(income.of_tenant(session, now=in_december)) == (6_600, 6_600, 0, 0)


def test_a_run_that_began_earlier_does_not_replace_later_figures(contract, in_tenant):
    with in_tenant(contract.tenant_id) as session:
        income.refresh(session, now=NOW)
        income.refresh(session, now=NOW - timedelta(hours=1))
        session.commit()
        assert session.query(IncomeFigures.as_of).scalar() == NOW
        income.refresh(session, now=NOW + timedelta(hours=1))
        assert session.query(IncomeFigures.as_of).scalar() == NOW + timedelta(hours=1)
