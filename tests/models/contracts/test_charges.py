"""What contracts cost, as tables."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from models.contracts.billing import charges


def months(first: date, count: int) -> list[date]:
    index = first.year * 12 + first.month - 1
    return [date(each // 12, each % 12 + 1, 1) for each in range(index, index + count)]


def amounts(contract, first: date, count: int) -> list[int]:
    """The sum of each month."""
    return [int(sum(each.amount for each in charges(contract, month))) for month in months(first, count)]


@pytest.fixture
def contract(make):
    """A contract from 15 April 2026 for a year, of two units at 6,600 yen, the first month free."""
    plan = make.rate_plan(name="月額プラン", price=6600)
    make.charge(rate_plan=plan, name="初月割引", model="discount", unit_price=100, discount_months=1)
    row = make.contract(
        product=plan.product, start_on=date(2026, 4, 15), end_on=date(2027, 4, 14), initial_months=12, renewal_months=12
    )
    make.contract_line(contract=row, rate_plan=plan, quantity=2)
    make.session.refresh(row)
    return row


def test_a_monthly_plan_costs_its_fee_in_every_month_it_touches(contract):
    assert amounts(contract, date(2026, 3, 1), 4) == [0, 0, 13200, 13200]


def test_a_line_of_a_bill_says_what_it_is_for(contract):
    flat, discount = charges(contract, date(2026, 4, 1))

    assert (flat.plan_name, flat.kind, flat.quantity, flat.unit_price, flat.amount) == (
        *("月額プラン", "flat", Decimal(2), Decimal(6600), Decimal(13200)),
    )
    assert (flat.from_on, flat.to_on) == (date(2026, 4, 15), date(2026, 4, 30))
    assert (discount.charge_name, discount.kind, discount.unit_price, discount.amount) == (
        *("初月割引", "discount", Decimal(100), Decimal(-13200)),
    )


def test_it_goes_on_after_its_term_while_it_renews_itself(contract):
    assert amounts(contract, date(2027, 4, 1), 3) == [13200] * 3


def test_it_ends_with_its_term_when_it_does_not_renew_itself(contract):
    contract.auto_renew = False

    assert amounts(contract, date(2027, 3, 1), 4) == [13200, 13200, 0, 0]


@pytest.mark.parametrize(
    ("last_day", "expected"),
    [
        (date(2026, 5, 1), [0, 13200, 0]),
        (date(2026, 5, 31), [0, 13200, 0]),
        (date(2026, 6, 1), [0, 13200, 13200]),
        # Cancelled before it starts.
        (date(2026, 4, 14), [0, 0, 0]),
    ],
)
def test_a_cancelled_contract_costs_its_fee_until_the_month_of_its_last_day(contract, last_day, expected):
    contract.status, contract.end_on = "cancelled", last_day

    assert amounts(contract, date(2026, 4, 1), 3) == expected


def test_the_cancellation_fee_is_billed_once_in_the_month_of_the_last_day(contract):
    contract.status, contract.end_on, contract.cancellation_fee = "cancelled", date(2026, 12, 10), Decimal(39600)

    assert amounts(contract, date(2026, 11, 1), 3) == [13200, 52800, 0]
    fee = charges(contract, date(2026, 12, 1))[-1]
    assert (fee.kind, fee.from_on, fee.to_on) == ("fee", date(2026, 12, 11), date(2027, 4, 14))


def test_a_void_contract_costs_nothing(contract):
    contract.status = "void"

    assert amounts(contract, date(2026, 4, 1), 3) == [0, 0, 0]


def one_line(make, plan, **values):
    row = make.contract(product=plan.product, **values)
    make.contract_line(contract=row, rate_plan=plan)
    make.session.refresh(row)
    return row


def test_a_yearly_plan_costs_its_fee_in_the_month_of_its_anniversary(make):
    plan = make.rate_plan(cycle="yearly", price=60000)
    row = one_line(make, plan, start_on=date(2026, 4, 15), end_on=date(2027, 4, 14))

    assert amounts(row, date(2026, 3, 1), 15) == [0, 60000, *[0] * 11, 60000, 0]


def test_a_yearly_plan_from_29_february_is_billed_in_february(make):
    plan = make.rate_plan(cycle="yearly", price=60000)
    row = one_line(make, plan, start_on=date(2024, 2, 29), end_on=date(2025, 2, 27))

    billed = [month for month in months(date(2024, 1, 1), 50) if charges(row, month)]

    assert billed == [date(year, 2, 1) for year in (2024, 2025, 2026, 2027, 2028)]
    assert [(each.from_on, each.to_on) for month in billed[:2] for each in charges(row, month)] == [
        (date(2024, 2, 29), date(2025, 2, 27)),
        (date(2025, 2, 28), date(2026, 2, 27)),
    ]


def test_a_yearly_plan_that_ends_before_its_anniversary_is_not_billed_again(make):
    plan = make.rate_plan(cycle="yearly", price=60000)
    row = one_line(make, plan, start_on=date(2026, 4, 15), end_on=date(2027, 4, 14), status="cancelled")

    assert amounts(row, date(2027, 4, 1), 1) == [0]


def test_a_one_off_plan_costs_its_fee_once(make):
    plan = make.rate_plan(cycle="once", price=30000)
    row = one_line(make, plan, start_on=date(2026, 4, 15), end_on=date(2027, 4, 14))

    assert amounts(row, date(2026, 3, 1), 15) == [0, 30000, *[0] * 13]


def test_a_removed_line_costs_its_fee_in_the_month_of_its_last_day_and_a_new_one_at_once(make, contract):
    contract.lines[0].ends_on = date(2026, 6, 9)
    make.contract_line(contract=contract, rate_plan=contract.lines[0].rate_plan, starts_on=date(2026, 6, 10))
    make.session.refresh(contract)

    # The new line is not free in its first month: that was for the first month of the contract.
    assert amounts(contract, date(2026, 5, 1), 3) == [13200, 19800, 6600]


def test_usage_costs_its_price_in_the_month_it_was_recorded_for(make):
    plan = make.rate_plan(price=None)
    charge = make.charge(rate_plan=plan, model="usage", unit_price=150)
    row = one_line(make, plan, start_on=date(2026, 4, 15), end_on=date(2027, 4, 14))
    for month, quantity in ((date(2026, 3, 1), 9), (date(2026, 5, 1), 12), (date(2026, 6, 1), 0)):
        make.usage(line=row.lines[0], charge_id=charge.id, month=month, quantity=quantity)
    make.session.refresh(row.lines[0])

    assert amounts(row, date(2026, 3, 1), 4) == [0, 0, 1800, 0]


@pytest.mark.parametrize(("percentage", "discount"), [(1, -66), (33, -2198), (10, -666), (100, -6661)])
def test_a_discount_is_rounded_down_to_a_yen(make, percentage, discount):
    plan = make.rate_plan(price=6661)
    make.charge(rate_plan=plan, model="discount", unit_price=percentage)
    row = one_line(make, plan, start_on=date(2026, 4, 1), end_on=date(2027, 3, 31))

    assert charges(row, date(2026, 9, 1))[-1].amount == discount
