from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
import time_machine
from sqlalchemy import event, select
from sqlalchemy.engine import make_url

from jobs import contracts as jobs
from jobs.job import JobFailed
from models import clock
from models.audit import AuditEntry
from models.contracts.contract import Contract
from models.contracts.invoice import Correction, Invoice, InvoiceLine
from models.contracts.terms import add_months
from models.customers.customer import Customer
from models.tenants.tenant import Tenant

pytestmark = pytest.mark.usefixtures("context")

JANUARY_1ST = datetime(2027, 1, 1, 1, 0, tzinfo=clock.TOKYO)


@pytest.fixture
def look(make):
    """Everything that the jobs write, as it is now."""

    def rows() -> dict[str, list]:
        make.session.rollback()
        make.session.expire_all()
        read = make.session.execute
        return {
            "contracts": read(
                select(Contract.id, Contract.renewals, Contract.term_end_on, Contract.end_on, Contract.status).order_by(
                    Contract.id
                )
            ).all(),
            "customers": read(
                select(Customer.id, Customer.status, Customer.balance, Customer.last_invoiced_on).order_by(Customer.id)
            ).all(),
            "invoices": read(
                select(Invoice.customer_id, Invoice.month, Invoice.total).order_by(Invoice.customer_id, Invoice.month)
            ).all(),
            "lines": read(
                select(InvoiceLine.contract_id, InvoiceLine.kind, InvoiceLine.amount).order_by(
                    InvoiceLine.contract_id, InvoiceLine.amount
                )
            ).all(),
            "corrections": read(
                select(Correction.id, Correction.invoice_id.is_not(None)).order_by(Correction.id)
            ).all(),
            "audit": read(
                select(AuditEntry.tenant_id, AuditEntry.action, AuditEntry.subject_id)
                .where(AuditEntry.action.like("contract.%") | AuditEntry.action.like("invoice.%"))
                .order_by(AuditEntry.tenant_id, AuditEntry.action, AuditEntry.subject_id)
            ).all(),
        }

    return rows


def billed(make, *, starts: date, tenant=None) -> Contract:
    """A contract of 6,600 yen a month whose customer has a correction of -1,000 yen."""
    customer = make.customer(tenant=tenant)
    contract = make.contract(customer_row=customer, start_on=starts, end_on=starts + timedelta(days=364))
    make.contract_line(contract=contract)
    make.correction(customer=customer)
    return contract


def ended(make, today: date) -> list[Contract]:
    """Contracts of a tenant whose term is over: one renews itself, one expires."""
    customer = make.customer(status="active")
    start = add_months(today, -12)
    months = {"start_on": start, "end_on": today - timedelta(days=1)}
    renews = make.contract(customer_row=customer, **months)
    other = make.customer(tenant_id=customer.tenant_id, status="active")
    return [renews, make.contract(customer_row=other, auto_renew=False, **months)]


@pytest.fixture
def failing(engine):
    """Let a statement that contains a text fail in one tenant: ``failing("UPDATE customer", tenant_id)``."""
    listening = []

    def of(part: str, tenant_id: str) -> None:
        def fail(connection, _cursor, statement, parameters, *_rest) -> None:
            if part in statement:
                tenant = connection.exec_driver_sql("SELECT current_setting('app.tenant_id', true)").scalar()
                if tenant == tenant_id:
                    raise LookupError("山田太郎")

        event.listen(engine, "before_cursor_execute", fail)
        listening.append(fail)

    def stop() -> None:
        while listening:
            event.remove(engine, "before_cursor_execute", listening.pop())

    of.stop = stop
    yield of
    stop()


def test_the_jobs_are_due_at_their_times_in_tokyo():
    after = {entry.name: entry.after for entry in jobs.SCHEDULE}

    # 00:10 in Tokyo is 15:10 of the day before in UTC, and 01:00 is 16:00.
    assert after["contract-terms"](datetime(2026, 11, 28, 15, 9, tzinfo=UTC)) == datetime(
        2026, 11, 28, 15, 10, tzinfo=UTC
    )
    assert after["invoices"](datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert after["invoices"](datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


def test_contracts_of_every_tenant_renew_and_expire_once(make, look):
    today = date(2027, 1, 1)
    contracts = [each for _ in range(2) for each in ended(make, today)]
    with time_machine.travel(JANUARY_1ST, tick=False):
        jobs.renew_and_expire()
        after = look()
        jobs.renew_and_expire()

    assert look() == after
    assert [(each.renewals, each.end_on, each.status) for each in contracts] == [
        (1, date(2027, 12, 31), "active"),
        (0, date(2026, 12, 31), "expired"),
    ] * 2
    statuses = [make.session.get(Customer, each.customer_id).status for each in contracts]
    assert statuses == ["active", "cancelled"] * 2
    assert [action for _, action, _ in after["audit"]] == ["contract.expired", "contract.renewed"] * 2


def test_nights_that_were_missed_are_caught_up_with(make, look):
    renews, expires = ended(make, date(2025, 1, 1))
    with time_machine.travel(JANUARY_1ST, tick=False):
        jobs.renew_and_expire()

    look()
    assert (renews.renewals, renews.end_on, expires.status) == (3, date(2027, 12, 31), "expired")


def test_the_invoices_of_last_month_are_issued_once_for_every_tenant(make, look):
    contracts = [billed(make, starts=date(2026, 12, 5)) for _ in range(2)]
    with time_machine.travel(JANUARY_1ST, tick=False):
        jobs.issue_invoices()
        after = look()
        jobs.issue_invoices()

    assert look() == after
    assert after["invoices"] == [(each.customer_id, date(2026, 12, 1), Decimal(5600)) for each in contracts]
    balances = [(balance, newest) for _, _, balance, newest in after["customers"]]
    assert balances == [(Decimal(5600), date(2027, 1, 1))] * 2
    assert [used for _, used in after["corrections"]] == [True, True]


def test_a_run_before_the_month_is_over_issues_nothing_of_it(make, look):
    billed(make, starts=date(2026, 12, 5))
    with time_machine.travel(datetime(2026, 12, 31, 23, 59, tzinfo=clock.TOKYO), tick=False):
        jobs.issue_invoices()

    assert look()["invoices"] == []


@pytest.mark.parametrize("day", [2, 28])
def test_months_that_were_missed_are_issued_later_each_with_its_own_charges(make, look, day):
    billed(make, starts=date(2026, 10, 5))
    with time_machine.travel(datetime(2026, 11, 1, 1, 0, tzinfo=clock.TOKYO), tick=False):
        jobs.issue_invoices()
    with time_machine.travel(datetime(2027, 2, day, 9, 0, tzinfo=clock.TOKYO), tick=False):
        jobs.issue_invoices()

    months = [(month, total) for _, month, total in look()["invoices"]]
    assert months == [
        (date(2026, 10, 1), Decimal(5600)),
        (date(2026, 11, 1), Decimal(6600)),
        (date(2026, 12, 1), Decimal(6600)),
        (date(2027, 1, 1), Decimal(6600)),
    ]


@pytest.mark.parametrize("broken", [0, 1, 2])
@pytest.mark.parametrize("part", ["INSERT INTO invoice", "UPDATE customer SET balance", "INSERT INTO audit_entry"])
def test_a_tenant_that_fails_stops_no_other_but_the_job(make, look, failing, row, new_timetable, caplog, broken, part):
    new_timetable(JANUARY_1ST)
    contracts = [billed(make, starts=date(2026, 12, 5)) for _ in range(3)]
    with time_machine.travel(JANUARY_1ST, tick=False):
        failing(part, contracts[broken].tenant_id)
        with pytest.raises(JobFailed, match="LookupError"):
            jobs.issue_invoices()
        found = look()
        assert [each[0] for each in found["invoices"]] == [
            each.customer_id for number, each in enumerate(contracts) if number != broken
        ]
        assert [used for _, used in found["corrections"]] == [number != broken for number in range(3)]
        assert row("invoices").last_error == "LookupError"
        (told,) = [each for each in caplog.records if each.message == "job failed for a tenant"]
        assert (told.tenant, told.error) == (contracts[broken].tenant_id, "LookupError")

        failing.stop()
        jobs.issue_invoices()

    assert [each[0] for each in look()["invoices"]] == [each.customer_id for each in contracts]
    assert row("invoices").last_error is None


@pytest.fixture
def put_back(service_env):
    """Put back what the jobs changed since the fixture was asked for."""
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:

        def save() -> None:
            for table in ("contract", "customer"):
                connection.execute(f"CREATE TEMPORARY TABLE saved_{table} AS TABLE {table}")

        def put_back() -> None:
            connection.execute("UPDATE correction SET invoice_id = NULL")
            connection.execute("DELETE FROM invoice_line")
            connection.execute("DELETE FROM invoice")
            connection.execute("DELETE FROM audit_entry WHERE actor = 'system'")
            for table, columns in {
                "contract": ("renewals", "term_end_on", "end_on", "status", "version"),
                "customer": ("status", "balance", "last_invoiced_on"),
            }.items():
                values = ", ".join(f"{name} = saved.{name}" for name in columns)
                connection.execute(
                    f"UPDATE {table} SET {values} FROM saved_{table} AS saved WHERE saved.id = {table}.id"
                )

        put_back.save = save
        yield put_back


@pytest.mark.parametrize("job", ["jobs.contracts.renew_and_expire", "jobs.contracts.issue_invoices"])
def test_a_worker_killed_at_any_step_loses_nothing_and_doubles_nothing(make, look, run_until, put_back, job):
    today = clock.tokyo_day(clock.utc_now())
    for _ in range(2):
        contract, _ = ended(make, today)
        tenant = make.session.get_one(Tenant, contract.tenant_id)
        billed(make, starts=clock.months_before(today, 1), tenant=tenant)
    before = look()
    put_back.save()
    assert not run_until(job, 10_000)["killed"]
    whole = look()
    assert whole != before

    steps, partly = [], 0
    while True:
        put_back()
        killed = run_until(job, len(steps) + 1)
        if not killed["killed"]:
            break
        steps.append(killed["step"])
        partly += look() not in (before, whole)
        assert not run_until(job, 10_000)["killed"]
        assert look() == whole, steps

    assert steps.count("COMMIT") == 3
    # Between the commits of the two tenants, one of them is done.
    assert partly > 3
