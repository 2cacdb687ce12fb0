"""The run of the 1st: each report is there once and is mailed once, wherever the run ends and however many run."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import psycopg
import pytest
import time_machine
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from jobs import attachments, reports
from jobs.mail import send_due
from models import clock
from models.mail.outbox import MailMessage
from models.mail.sending import MailClaim, mail_connection
from models.reports import issuing, monthly_pdf
from models.reports.monthly import MonthlyReport
from models.tenants.settings import TenantSettings
from tests.support.mail_sink import Sink, free_port, listening

pytestmark = pytest.mark.usefixtures("context")

NOVEMBER_1ST = datetime(2026, 11, 1, 4, 0, tzinfo=clock.TOKYO)
OLD = datetime(2026, 9, 1, tzinfo=clock.TOKYO)


def customers(make, count, tenant=None):
    made = []
    for number in range(count):
        customer = make.customer(tenant=tenant)
        tenant = tenant or customer
        make.contract(customer_row=customer, start_on=date(2026, 1, 1), end_on=date(2027, 12, 31))
        make.utm(
            customer_row=customer, created_at=OLD, report_email1=f"r{number}@example.jp", desk_email1="desk@example.jp"
        )
        made.append(customer)
    return made


def issued(make) -> tuple[list, list]:
    make.session.rollback()
    found = make.session.execute(
        select(MonthlyReport.customer_id, MonthlyReport.month).order_by(MonthlyReport.customer_id, MonthlyReport.month)
    ).all()
    mails = make.session.scalars(select(MailMessage.recipient).order_by(MailMessage.recipient)).all()
    return [tuple(each) for each in found], list(mails)


def test_the_run_issues_and_mails_the_reports_of_all_tenants_once(make, monkeypatch):
    monkeypatch.setattr(issuing.issue_batch, "__kwdefaults__", issuing.issue_batch.__kwdefaults__ | {"limit": 1})
    made = customers(make, 2, make.tenant()) + customers(make, 1, make.tenant())
    with time_machine.travel(NOVEMBER_1ST, tick=False):
        reports.issue_monthly()
        reports.issue_monthly()

    found, mails = issued(make)
    assert found == [(each.id, date(2026, 10, 1)) for each in made]
    assert mails == ["desk@example.jp"] * 3 + ["r0@example.jp"] * 2 + ["r1@example.jp"]


def test_a_missed_month_is_issued_with_the_next_one(make):
    made = customers(make, 1)
    for day in (NOVEMBER_1ST, NOVEMBER_1ST + timedelta(days=65)):
        with time_machine.travel(day, tick=False):
            reports.issue_monthly()

    assert [month for _, month in issued(make)[0]] == [date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)]
    assert len(made) == 1


def test_two_runs_at_once_issue_each_report_once(app, make):
    made = customers(make, 6, make.tenant())

    def run(_number):
        with app.app_context():
            reports.issue_monthly()

    with time_machine.travel(NOVEMBER_1ST, tick=False), ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))

    found, mails = issued(make)
    assert len(found) == len(made)
    assert len(mails) == 12


def test_what_does_not_fit_into_a_run_is_left_to_the_next(make, monkeypatch, waiting):
    customers(make, 1)
    monkeypatch.setattr(reports, "BUDGET", -1)

    with time_machine.travel(NOVEMBER_1ST, tick=False):
        reports.issue_monthly()

    assert issued(make) == ([], [])
    assert waiting()["periodic"] == ["jobs.reports.issue_monthly"]


def test_wherever_the_run_is_killed_the_next_one_completes_it(make, run_until, service_env):
    tenants = [make.tenant(), make.tenant()]
    made = [each for tenant in tenants for each in customers(make, 1, tenant)]
    month = clock.months_before(clock.tokyo_day(clock.utc_now()), 1)
    make.session.execute(text("UPDATE utm SET created_at = :old"), {"old": OLD.replace(year=2024)})
    make.session.execute(text("UPDATE contract SET start_on = '2024-01-01', auto_renew = true"))
    make.session.commit()
    steps = []
    # Every third step, so that the test stays short.
    for step in range(1, 200, 3):
        answer = run_until("jobs.reports.issue_monthly", step)
        steps.append(answer["step"])
        found, mails = issued(make)
        # A report is never without its mails.
        assert len(mails) == 2 * len(found)
        reports.issue_monthly()
        found, mails = issued(make)
        assert found == [(each.id, month) for each in made]
        assert len(mails) == 4
        if not answer["killed"]:
            break
        _forget(service_env)

    assert len(steps) > 6
    assert {"INSERT", "SELECT", "COMMIT"} <= set(steps)


def _forget(service_env) -> None:
    """Delete the reports and their mails, which the app may not."""
    owner = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(owner) as connection:
        connection.execute("DELETE FROM monthly_report")
        connection.execute("DELETE FROM mail_message")


@pytest.fixture
def sink(app, monkeypatch):
    found = Sink(free_port())
    for name, value in {"server": "127.0.0.1", "port": found.port, "suppress": False}.items():
        monkeypatch.setattr(app.extensions["mail"], name, value)
    with listening(found):
        yield found


@pytest.mark.parametrize("library", [True, False])
def test_the_mail_has_the_pdf_or_goes_without_it(make, sink, monkeypatch, caplog, library):
    if library and not monthly_pdf.available():
        pytest.skip("WeasyPrint does not find Pango here")
    if not library:

        def missing():
            raise monthly_pdf.PdfUnavailable("cannot load library")

        monkeypatch.setattr(monthly_pdf, "_weasyprint", missing)
    attachments._pdf.cache_clear()
    (customer,) = customers(make, 1)
    make.save(TenantSettings(tenant_id=customer.tenant_id, report_pdf=True))

    with caplog.at_level(logging.ERROR), time_machine.travel(NOVEMBER_1ST, tick=False):
        reports.issue_monthly()
        send_due()

    assert make.session.scalar(select(func.count()).where(MailMessage.state == "sent")) == 2
    for message in sink.messages:
        assert message.is_multipart() == library
        parts = message.get_payload() if library else [message]
        assert "2026年10月" in parts[0].get_payload(decode=True).decode()
        if library:
            assert parts[1].get_filename() == f"monthly_report_{customer.id}_2026-10.pdf"
            assert parts[1].get_payload(decode=True).startswith(b"%PDF-")
    assert ("mail sent without its attachment" in caplog.text) != library


def test_mails_with_an_attachment_do_not_hold_up_others(make):
    (customer,) = customers(make, 1)
    make.save(TenantSettings(tenant_id=customer.tenant_id, report_pdf=True))
    with time_machine.travel(NOVEMBER_1ST, tick=False):
        reports.issue_monthly()

        with mail_connection() as connection:
            claim = MailClaim(connection)
            assert claim.claim(now=NOVEMBER_1ST, limit=10) == []
            assert [mail.tenant_id for mail in claim.claim(now=NOVEMBER_1ST, limit=10, attached=True)] == [
                customer.tenant_id
            ] * 2
