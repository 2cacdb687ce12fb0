"""Invoices are issued once, and nothing that is to be billed or credited is lost or doubled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.contracts import ending, invoicing
from models.contracts.catalogue import MAX_AMOUNT
from models.contracts.contract import Contract, ContractLine
from models.contracts.invoice import Correction, Invoice, InvoiceLine, Usage
from models.customers.customer import Customer
from models.errors import DomainError
from tests.support.waiting import wait_until_somebody_waits

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
TODAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 3, tzinfo=UTC)


@pytest.fixture
def line(make):
    """A line of 6,600 yen a month of a contract from 1 October on."""
    contract = make.contract(start_on=OCTOBER, end_on=date(2027, 9, 30))
    return make.contract_line(contract=contract, rate_plan=make.rate_plan(product=contract.product))


@pytest.fixture
def run(engine, line):
    """Run a rule in a session of the tenant, and commit."""

    def run_rule(rule, tenant_id=line.tenant_id):
        with Session(engine, info={"tenant_scope": tenant_id}) as session:
            result = rule(session)
            session.commit()
            return result

    return run_rule


def issue(session, month=OCTOBER, today=TODAY):
    return invoicing.issue(session, month, today=today, by=SYSTEM)


def correct(session, line, amount=-1000, **values):
    customer = session.get_one(Customer, line.contract.customer_id)
    return invoicing.correct(session, customer, {"amount": Decimal(amount), "reason": "お詫び"} | values, by=SYSTEM)


def pay(session, day=TODAY):
    invoice = session.scalars(select(Invoice)).one()
    invoicing.mark_paid(session, invoice, day, today=TODAY, by=SYSTEM)


def void(session, line):
    return ending.void(session, session.get_one(Contract, line.contract_id), now=NOW, by=SYSTEM)


def facts(make):
    """Everything that billing writes, without keys and times."""
    make.session.rollback()
    rows = make.session.execute
    return (
        rows(select(Invoice.month, Invoice.total, Invoice.paid_on).order_by(Invoice.month)).all(),
        rows(select(InvoiceLine.kind, InvoiceLine.amount).order_by(InvoiceLine.kind, InvoiceLine.amount)).all(),
        rows(select(Correction.amount, Correction.invoice_id.is_(None)).order_by(Correction.id)).all(),
        rows(select(Usage.month, Usage.quantity)).all(),
        rows(select(Customer.balance, Customer.last_invoiced_on)).all(),
        rows(select(AuditEntry.action, func.count()).group_by(AuditEntry.action).order_by(AuditEntry.action)).all(),
    )


def at_once(run, rule, times=4):
    together = Barrier(times)

    def one(_number):
        together.wait(timeout=20)
        try:
            return run(rule)
        except DomainError as refusal:
            return refusal.message

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_issuing_twice_changes_nothing(make, run):
    assert run(issue) == 1
    before = facts(make)

    assert run(issue) == 0
    assert facts(make) == before
    assert before[0] == [(OCTOBER, 6600, None)]


def test_runs_at_once_issue_once(make, run):
    assert sorted(at_once(run, issue)) == [0, 0, 0, 1]
    assert facts(make)[1] == [("flat", 6600)]


@pytest.mark.parametrize(
    ("rule", "result"),
    [
        (void, 6600),
        (lambda session, _line: ending.renew_and_expire(session, today=date(2027, 10, 1), by=SYSTEM), 1),
    ],
    ids=["voiding", "the nightly run"],
)
def test_what_locks_contracts_waits_for_an_invoice_run_without_a_deadlock(engine, run, line, rule, result):
    """The run needs the contracts' rows for its new lines."""
    with Session(engine, info={"tenant_scope": line.tenant_id}) as session, ThreadPoolExecutor() as pool:
        invoicing.take_billing_turn(session, line.tenant_id)
        done = pool.submit(run, lambda other: rule(other, line))
        wait_until_somebody_waits(engine)

        assert issue(session) == 1
        session.commit()
        assert done.result(timeout=30) == result


@pytest.mark.parametrize("month", [NOVEMBER, date(2026, 12, 1)])
def test_a_month_that_is_not_over_is_refused(run, month):
    with pytest.raises(DomainError, match="months that are over"):
        run(lambda session: issue(session, month))


def test_contracts_and_corrections_of_another_tenant_are_never_billed(make, run, line):
    other = make.contract(start_on=OCTOBER, end_on=date(2027, 9, 30))
    make.contract_line(contract=other, rate_plan=make.rate_plan(product=other.product, price=500))
    make.correction(customer=other.customer, amount=70)

    assert run(issue) == 1
    assert facts(make)[0] == [(OCTOBER, 6600, None)]
    assert run(issue, other.tenant_id) == 1
    totals = make.session.execute(select(Invoice.tenant_id, Invoice.total)).all()
    assert dict(totals) == {line.tenant_id: 6600, other.tenant_id: 570}


def test_a_correction_is_billed_once_with_the_next_invoice(make, run, line):
    run(issue)
    run(lambda session: correct(session, line))

    run(issue)
    assert make.session.scalar(select(Correction.invoice_id)) is None
    run(lambda session: issue(session, NOVEMBER, date(2026, 12, 1)))
    run(lambda session: issue(session, date(2026, 12, 1), date(2027, 1, 1)))

    make.session.rollback()
    assert facts(make)[0] == [(OCTOBER, 6600, None), (NOVEMBER, 5600, None), (date(2026, 12, 1), 6600, None)]
    assert facts(make)[2] == [(-1000, False)]


def test_a_correction_after_the_run_waits_for_the_next_month(make, run, line):
    other = make.customer(tenant_id=line.tenant_id)
    run(issue)
    make.correction(customer=other)

    assert run(issue) == 0
    assert run(lambda session: issue(session, NOVEMBER, date(2026, 12, 1))) == 2


def test_a_correction_of_nothing_and_one_for_another_customers_contract_are_refused(make, run, line):
    other = make.contract(customer_row=make.customer(tenant_id=line.tenant_id))

    for values, message in (({"amount": 0}, "other than 0"), ({"contract_id": other.id}, "no such contract")):
        with pytest.raises(DomainError, match=message):
            run(lambda session, values=values: correct(session, line, **values))


def test_voiding_a_contract_credits_what_was_invoiced(make, run, line):
    run(lambda session: correct(session, line, -600, contract_id=line.contract_id))
    run(issue)
    run(lambda session: correct(session, line, 50, contract_id=line.contract_id))

    assert run(lambda session: void(session, line)) == 6050

    run(lambda session: issue(session, NOVEMBER, date(2026, 12, 1)))
    # The charge of October less 600; then 50 more, and all of it back.
    assert [row[:2] for row in facts(make)[0]] == [(OCTOBER, 6000), (NOVEMBER, -6000)]
    assert facts(make)[4][0].balance == 0


def test_of_several_who_void_a_contract_at_once_one_does_and_one_credit_is_written(make, run, line):
    run(issue)

    outcome = at_once(run, lambda session: void(session, line))

    assert sorted(map(str, outcome)) == ["6600", *["The contract is already void."] * 3]
    assert facts(make)[2] == [(-6600, True)]


def test_crediting_twice_credits_once(make, run, line):
    run(issue)

    def credit(session):
        contract = session.get_one(Contract, line.contract_id)
        return invoicing.credit_contracts(session, {contract: "返金"}, by=SYSTEM)[contract.id]

    assert sorted(at_once(run, credit)) == [0, 0, 0, 6600]
    assert facts(make)[2] == [(-6600, True)]


def test_an_invoice_is_paid_once(make, run):
    run(issue)

    outcome = at_once(run, pay)

    assert sorted(map(str, outcome)) == ["None", *["This invoice is already paid."] * 3]
    assert facts(make)[0] == [(OCTOBER, 6600, TODAY)]


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 11, 3)])
def test_a_payment_is_neither_before_the_invoice_nor_in_the_future(run, day):
    run(issue)

    with pytest.raises(DomainError, match="The payment date"):
        run(lambda session: pay(session, day))


def test_the_balance_is_what_is_unpaid_and_the_last_invoice_date_that_of_the_newest(make, run):
    run(issue)
    assert facts(make)[4] == [(6600, TODAY)]
    run(lambda session: issue(session, NOVEMBER, date(2026, 12, 5)))
    assert facts(make)[4] == [(13200, date(2026, 12, 5))]

    def pay_october(session):
        invoice = session.scalars(select(Invoice).where(Invoice.month == OCTOBER)).one()
        customer = session.get_one(Customer, invoice.customer_id)
        assert customer.balance == 13200
        invoicing.mark_paid(session, invoice, TODAY, today=TODAY, by=SYSTEM)
        assert customer.balance == 6600

    run(pay_october)
    assert facts(make)[4] == [(6600, date(2026, 12, 5))]


def test_an_invoice_of_nothing_needs_no_payment(make, run, line):
    run(lambda session: correct(session, line, -6600))
    run(issue)

    assert facts(make)[0] == [(OCTOBER, 0, TODAY)]


def test_usage_is_recorded_until_the_month_is_invoiced_and_only_while_the_line_is_in_force(make, run, line):
    charge = make.charge(rate_plan=line.rate_plan, model="usage", unit_price=10)

    def record(session, month=OCTOBER, quantity=3, of=charge):
        own = session.get_one(ContractLine, line.id)
        invoicing.record_usage(session, own, of, month, Decimal(quantity), by=SYSTEM)

    run(record)
    run(lambda session: record(session, quantity=4))
    with pytest.raises(DomainError, match="no such service"):
        run(lambda session: record(session, date(2026, 9, 1)))
    with pytest.raises(DomainError, match="no such usage charge"):
        run(lambda session: record(session, of=line.rate_plan.charges[0]))
    run(issue)
    assert facts(make)[1] == [("flat", 6600), ("usage", 40)]
    with pytest.raises(DomainError, match="already invoiced"):
        run(record)


class Killed(Exception):
    """The process ends here."""


def use(session, line):
    own = session.get_one(ContractLine, line.id)
    charge = next(each for each in own.rate_plan.charges if each.model == "usage")
    invoicing.record_usage(session, own, charge, NOVEMBER, Decimal(5), by=SYSTEM)


RULES = {
    "issue": lambda session, _line: issue(session),
    "correct": correct,
    "pay": lambda session, _line: pay(session),
    "void": void,
    "usage": use,
}


@pytest.mark.parametrize("name", RULES)
def test_whatever_statement_it_is_killed_at_nothing_is_lost_or_doubled(make, run, line, engine, name):
    make.charge(rate_plan=line.rate_plan, model="usage", unit_price=10)
    run(lambda session: correct(session, line, -100))
    if name in {"pay", "void"}:
        run(issue)
    before, killed_at, left = facts(make), 0, 0

    def kill(*_statement) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    event.listen(engine, "before_cursor_execute", kill)
    try:
        while True:
            left = killed_at + 1
            try:
                run(lambda session: RULES[name](session, line))
            except Killed:
                killed_at, left = killed_at + 1, 0
                assert facts(make) == before, f"Killed at statement {killed_at}, something is left."
            else:
                break
    finally:
        event.remove(engine, "before_cursor_execute", kill)

    # After all those that were killed, one run has the effect of one run.
    assert killed_at >= 5
    after = facts(make)
    assert after != before
    assert sum(count for _, count in after[5]) == sum(count for _, count in before[5]) + (2 if name == "void" else 1)
    expected = {
        "issue": [(OCTOBER, 6500, None)],
        "correct": [],
        "pay": [(OCTOBER, 6500, TODAY)],
        "void": [(OCTOBER, 6500, None)],
        "usage": [],
    }
    assert after[0] == expected[name]
    corrections = {
        "correct": [(-100, True), (-1000, True)],
        "void": [(-100, False), (-6600, True)],
        "usage": [(-100, True)],
    }
    assert after[2] == corrections.get(name, [(-100, False)])


def test_the_balance_has_room_for_many_unpaid_invoices_of_the_maximum_amount(make, run, line):
    for month in range(1, 13):
        make.invoice(customer=line.contract.customer, month=date(2025, month, 1), total=MAX_AMOUNT)

    run(issue)

    assert facts(make)[4] == [(12 * MAX_AMOUNT + 6600, TODAY)]
