"""What changed on an invoice since the month before, and why."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from models.actor import SYSTEM
from models.contracts import invoicing
from models.contracts.contract import ContractStatus
from models.contracts.invoice import Invoice
from models.contracts.invoice_changes import explain

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
MONTHS = {OCTOBER: date(2026, 11, 1), NOVEMBER: date(2026, 12, 1)}


@pytest.fixture
def contract(make):
    return make.contract(start_on=date(2026, 9, 10), end_on=date(2027, 9, 9))


@pytest.fixture
def line(make, contract):
    """A line of 6,600 yen a month."""
    plan = make.rate_plan(product=contract.product, name="月額", price=None)
    make.charge(rate_plan=plan, name="基本", unit_price=6600)
    make.charge(rate_plan=plan, name="従量", model="usage", unit_price=10)
    make.charge(rate_plan=plan, name="初月割引", model="discount", unit_price=50, discount_months=2)
    return make.contract_line(contract=contract, rate_plan=plan, unit_price=6600)


@pytest.fixture
def november(in_tenant, contract, make):
    """What changed on the invoice of November: the sentences of each line, and of those that are gone."""

    def read():
        with in_tenant(contract.tenant_id) as session:
            for month, today in MONTHS.items():
                invoicing.issue(session, month, today=today, by=SYSTEM)
            session.commit()
            invoice = session.scalars(select(Invoice).where(Invoice.month == NOVEMBER)).one()
            found = explain(session, invoice)
            return told(found.lines), told(found.gone)

    return read


def told(lines):
    return {
        (each.line.charge_name, int(each.line.amount)): [reason.message % reason.values for reason in each.reasons]
        for each in lines
    }


def test_a_line_that_is_as_before_has_no_reason_and_a_discount_that_ended_is_told(november, line):
    lines, gone = november()

    assert lines == {("基本", 6600): []}
    assert gone == {("初月割引", -3300): ["The discount ended."]}


def test_usage_that_is_new_changed_or_gone_is_told(make, november, line):
    charge = next(each for each in line.rate_plan.charges if each.name == "従量")
    other = make.contract_line(contract=line.contract, rate_plan=line.rate_plan, unit_price=100)
    third = make.contract_line(contract=line.contract, rate_plan=line.rate_plan, unit_price=200)
    for of, month, quantity in ((line, OCTOBER, 3), (line, NOVEMBER, 5), (other, NOVEMBER, 7), (third, OCTOBER, 9)):
        make.usage(line=of, charge_id=charge.id, month=month, quantity=quantity)

    lines, gone = november()

    assert lines["従量", 50] == ["Usage: 3 → 5"]
    assert lines["従量", 70] == ["Usage was recorded for this month."]
    assert gone["従量", 90] == ["No usage was recorded for this month."]


def test_a_contract_that_started_and_a_plan_that_was_added_are_told_with_their_day(make, november, line):
    plan = make.rate_plan(product=line.contract.product, price=500)
    make.contract_line(contract=line.contract, rate_plan=plan, starts_on=date(2026, 11, 20))
    started = make.contract(customer_row=line.contract.customer, start_on=date(2026, 11, 5))
    make.contract_line(contract=started, rate_plan=plan, unit_price=700)

    lines, _ = november()

    flat = {amount: reasons for (_, amount), reasons in lines.items()}
    assert flat[500] == ["The rate plan was added on 2026-11-20."]
    assert flat[700] == ["The contract started on 2026-11-05."]


def test_a_quantity_and_a_price_that_changed_on_the_1st_are_one_changed_line(make, november, line):
    line.ends_on = date(2026, 10, 31)
    make.save(line)
    values = {"quantity": 3, "unit_price": 6000, "starts_on": NOVEMBER}
    make.contract_line(contract=line.contract, rate_plan=line.rate_plan, **values)

    lines, gone = november()

    assert lines == {("基本", 18000): ["Quantity: 1 → 3", "Unit price: 6,600 → 6,000"]}
    assert ("基本", 6600) not in gone


def test_a_plan_that_was_removed_is_told_in_its_last_month_and_after_it(make, november, line):
    plan = make.rate_plan(product=line.contract.product, price=500)
    for ends_on, price in ((date(2026, 10, 15), 500), (date(2026, 11, 15), 700)):
        make.contract_line(contract=line.contract, rate_plan=plan, ends_on=ends_on, unit_price=price)

    lines, gone = november()

    assert {amount: reasons for (_, amount), reasons in gone.items()}[500] == [
        "The rate plan was removed. Its last day was 2026-10-15."
    ]
    assert {amount: reasons for (_, amount), reasons in lines.items()}[700] == [
        "The rate plan was removed. Its last day is 2026-11-15."
    ]


@pytest.mark.parametrize(
    ("status", "end_on", "message"),
    [
        (ContractStatus.CANCELLED, date(2026, 10, 20), "The contract was cancelled. Its last day is 2026-10-20."),
        (ContractStatus.EXPIRED, date(2026, 10, 20), "The contract expired. Its last day was 2026-10-20."),
    ],
)
def test_a_contract_that_ended_is_told_with_its_last_day(make, november, line, status, end_on, message):
    line.contract.status, line.contract.end_on = status, end_on
    make.save(line.contract)
    make.correction(customer=line.contract.customer, amount=10)
    make.contract_line(contract=make.contract(customer_row=line.contract.customer, start_on=OCTOBER))

    _, gone = november()

    assert gone["基本", 6600] == [message]


def test_the_last_month_and_the_fee_name_the_last_day(make, november, line):
    line.contract.status, line.contract.end_on = ContractStatus.CANCELLED, date(2026, 11, 20)
    line.contract.cancellation_fee = 9900
    make.save(line.contract)

    lines, _ = november()

    told_twice = ["The contract was cancelled. Its last day is 2026-11-20."]
    assert lines == {("基本", 6600): told_twice, ("解約金", 9900): told_twice}


def test_what_is_billed_seldom_says_so(make, november, line):
    once = make.rate_plan(product=line.contract.product, cycle="once", price=30000)
    yearly = make.rate_plan(product=line.contract.product, cycle="yearly", price=120000)
    for plan, starts_on in ((once, OCTOBER), (yearly, date(2025, 10, 5)), (yearly, date(2025, 11, 5))):
        make.contract_line(contract=line.contract, rate_plan=plan, starts_on=starts_on)

    lines, gone = november()

    amounts = {amount: reasons for (_, amount), reasons in gone.items()}
    assert amounts[30000] == ["A one-time charge."]
    assert amounts[120000] == ["Billed once a year."]
    assert {amount: reasons for (_, amount), reasons in lines.items()}[120000] == ["Billed once a year."]


def test_corrections_are_told_and_those_of_the_month_before_are_gone(make, november, line, in_tenant):
    customer = line.contract.customer
    make.correction(customer=customer, amount=10, reason="先月")
    with in_tenant(customer.tenant_id) as session:
        invoicing.issue(session, OCTOBER, today=NOVEMBER, by=SYSTEM)
        session.commit()
    make.correction(customer=customer, amount=20, reason="今月")

    lines, gone = november()

    assert lines["今月", 20] == ["A correction, for this invoice only."]
    assert gone["先月", 10] == ["A correction on the invoice of the previous month only."]


def test_without_an_invoice_of_the_month_before_everything_is_new(make, in_tenant, line):
    with in_tenant(line.tenant_id) as session:
        invoicing.issue(session, NOVEMBER, today=MONTHS[NOVEMBER], by=SYSTEM)
        found = explain(session, session.scalars(select(Invoice)).one())

        assert found.previous is None
        assert told(found.lines) == {("基本", 6600): ["Not billed in the previous month."]}
