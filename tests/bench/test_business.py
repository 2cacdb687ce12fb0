"""The business of the tiny data: invoices, applications, portal users, tickets and reports."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from app.demo import bench
from models import clock
from models.alerts.alert import AlertDaily
from models.applications.application import (
    ApplicationAnswer,
    ApplicationUser,
    CustomerAnswer,
    ServiceApplication,
    ServiceDelivery,
)
from models.applications.utm_application import UtmApplication, UtmDelivery
from models.contracts.billing import charges
from models.contracts.contract import Contract
from models.contracts.invoice import Correction, Invoice, LineKind
from models.customers.customer import Customer
from models.portal_users.portal_user import PortalUser, SignUpState
from models.reports.monthly import MonthlyReport
from models.reports.monthly_numbers import Content
from models.reports.monthly_text import text_of
from models.tenants.tenant import Tenant
from models.tickets.ticket import Ticket, TicketMessage
from models.tickets.ticket_file import TicketFile, TicketFileContent
from tests.bench.conftest import AROUND, TINY

# What is the same in every run; the part of other tenants, which no test measures anything in.
_RESULT = """
SELECT name, balance, last_invoiced_on, array(
        SELECT (month, total, issued_on, paid_on, (SELECT count(*) FROM invoice_line WHERE invoice_id = invoice.id))::text
        FROM invoice WHERE customer_id = customer.id ORDER BY month),
    array(SELECT (id, email, sign_up_until, signed_up_at)::text FROM portal_user WHERE customer_id = customer.id ORDER BY id),
    array(SELECT (a.id, state, applied_at, utm_count, d.address)::text FROM utm_application a
        JOIN utm_delivery d ON d.application_id = a.id WHERE customer_id = customer.id ORDER BY a.id),
    array(SELECT (t.title, t.state, t.created_at, author_name, asked_at,
            array(SELECT (m.body, m.created_at) FROM ticket_message m WHERE ticket_id = t.id ORDER BY id),
            array(SELECT c.data FROM ticket_file_content c JOIN ticket_file f ON f.id = c.file_id
                  JOIN ticket_message m ON m.id = f.message_id WHERE m.ticket_id = t.id))::text
        FROM ticket t WHERE customer_id = customer.id ORDER BY created_at),
    -- Without the state of the UTMs: on the 1st, before the reports are issued, it depends on the time of the run.
    array(SELECT md5(regexp_replace(replace(text, customer.id, ''), '状態: .*?$', '', 'gn'))
        FROM monthly_report WHERE customer_id = customer.id ORDER BY month)
FROM customer WHERE tenant_id = ANY(:tenants)
ORDER BY name
"""
_APPLICATIONS = """
SELECT a.id, state, a.company, a.email, submitted_at, applied_at, decided_at, reason, token_hash, d.utm_count, u.email,
       array(SELECT value FROM application_answer WHERE application_id = a.id ORDER BY field_id)
FROM service_application a JOIN service_delivery d ON d.application_id = a.id JOIN application_user u ON u.application_id = a.id
WHERE a.tenant_id = ANY(:tenants) ORDER BY a.id
"""


@pytest.fixture
def data(tiny):
    """A session that sees all of the data, and the tenants of the second part."""
    engine = create_engine(tiny.env["DATABASE_URL"], native_inet_types=False)
    with Session(engine, info={"tenant_scope": "*"}) as session:
        yield session
    engine.dispose()


def _around(session):
    return session.scalars(select(Tenant.id).where(Tenant.name.startswith(f"{bench.TENANT} "))).all()


def test_invoices_have_the_charges_of_their_contracts(data):
    invoices = data.scalars(select(Invoice).where(Invoice.tenant_id.in_(_around(data)))).all()

    assert len(invoices) == 12 * AROUND.customers
    for invoice in invoices:
        contracts = data.scalars(select(Contract).where(Contract.customer_id == invoice.customer_id)).all()
        due = [each for contract in contracts for each in charges(contract, invoice.month)]
        columns = (
            "kind",
            "line_id",
            "plan_name",
            "charge_name",
            "from_on",
            "to_on",
            "quantity",
            "unit_price",
            "amount",
        )
        billed = [line for line in invoice.lines if line.kind != LineKind.CORRECTION]
        assert [[getattr(each, name) for name in columns] for each in billed] == [
            [getattr(each, name) for name in columns] for each in due
        ]
        assert invoice.total == sum(line.amount for line in invoice.lines) > 0
    paid = [each for each in invoices if each.paid_on]
    assert len(paid) > len(invoices) / 2
    assert all(each.issued_on <= each.paid_on <= clock.tokyo_day(clock.utc_now()) for each in paid)
    assert data.scalar(select(func.count()).select_from(Correction).where(Correction.invoice_id.is_(None))) == 0
    owed = Counter()
    for invoice in invoices:
        owed[invoice.customer_id] += 0 if invoice.paid_on else invoice.total
    customers = data.scalars(select(Customer).where(Customer.id.in_(owed)))
    assert {each.id: each.balance for each in customers} == owed


def test_applications_tickets_and_users_are_in_every_state(data):
    both = AROUND.customers + TINY.customers
    states = {
        model: dict(data.execute(select(model.state, func.count()).group_by(model.state)).all())
        for model in (ServiceApplication, UtmApplication, Ticket)
    }
    assert states[ServiceApplication] == {"approved": 4, "pending": 8, "held": 4, "denied": 4, "unconfirmed": 4}
    assert states[UtmApplication].keys() == {"pending", "approved", "denied"}
    assert states[Ticket].keys() == {"open", "in_progress", "waiting", "resolved", "closed"}
    count = {
        model: data.scalar(select(func.count()).select_from(model))
        for model in (
            *(ServiceDelivery, ApplicationUser, ApplicationAnswer, CustomerAnswer, UtmDelivery),
            *(TicketMessage, TicketFile, TicketFileContent, MonthlyReport),
        )
    }
    assert count[ServiceDelivery] == count[ApplicationUser] == 24
    assert (count[ApplicationAnswer], count[CustomerAnswer]) == (48, 8)
    assert count[UtmDelivery] == sum(states[UtmApplication].values())
    assert count[TicketMessage] > sum(states[Ticket].values())
    assert count[TicketFile] == count[TicketFileContent] > 0
    assert count[MonthlyReport] == 12 * both
    users = data.scalars(select(PortalUser)).all()
    now = clock.day_start(clock.tokyo_day(clock.utc_now()))
    assert len(users) == 2 * both
    assert {each.sign_up_state(now=now) for each in users} == set(SignUpState)


def test_reports_of_every_month_count_the_alerts(data):
    """The older ones are not issued as in operation, but have the same numbers."""
    counted = Counter()
    for customer_id, day, number in data.execute(select(AlertDaily.customer_id, AlertDaily.day, AlertDaily.count)):
        counted[customer_id, clock.month_start(day)] += number
    reports = data.scalars(select(MonthlyReport).where(MonthlyReport.tenant_id.in_(_around(data)))).all()

    assert len(reports) == 12 * AROUND.customers
    for report in reports:
        content = Content.of_json(report.content)
        assert sum(content.total.levels.values()) == counted[report.customer_id, report.month]
        assert sum(number for _, _, number, _ in content.total.threats) <= counted[report.customer_id, report.month]
        assert report.text == text_of(content)
        assert content.month == f"{report.month:%Y-%m}"


def test_the_same_day_gives_the_same_business(app, data, tiny):
    """A second run, at another time of the same day."""
    now = clock.day_start(tiny.newest + timedelta(days=1)) + timedelta(hours=23)
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], native_inet_types=False)
    with app.app_context(), Session(engine, info={"tenant_scope": "*"}) as second:
        bench.make(second, now, [TINY, AROUND])
        for statement in (_RESULT, _APPLICATIONS):
            rows, again = (
                session.execute(text(statement), {"tenants": _around(session)}).all() for session in (data, second)
            )
            assert len(rows) >= AROUND.customers
            assert rows == again
        second.rollback()
    engine.dispose()
