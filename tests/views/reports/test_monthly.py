"""§7.16: the months that have a report, its text and its files."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine

from models.reports import monthly_pdf
from models.reports.monthly import MonthlyReport
from models.reports.monthly_numbers import Content, Numbers
from tests.support.pages import Page

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
FUNCTIONS = ("antivirus", "ips", "web_guard", "url_filter", "app_guard")


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def customer(operator, make):
    return make.customer_with_utm(operator.tenant)[0]


@pytest.fixture
def report(make, customer):
    """Store a report: ``report(10, "the text\\n")``."""

    def store(month, text="月次レポート\n<b>太字</b>\n"):
        content = Content(
            customer.id,
            customer.name,
            f"2026-{month:02}",
            "",
            "",
            "",
            "",
            Numbers(),
            {f: [0] * 31 for f in FUNCTIONS},
            [],
        )
        return make.save(
            MonthlyReport(
                tenant_id=customer.tenant_id,
                customer_id=customer.id,
                month=date(2026, month, 1),
                text=text,
                content=content.to_json(),
                created_at=NOW,
            )
        )

    return store


@pytest.fixture
def url(customer):
    return f"/customers/{customer.id}/monthly-report"


def test_before_the_first_report_the_page_says_when_it_comes(operator, customer, url):
    button = Page(operator.get(f"/customers/{customer.id}/security").text).main.one("a", href=f"{url}/")
    page = Page(operator.get(f"{url}/").text)

    assert button.text == "月次レポート"
    assert "月次レポートはまだ発行されていません。" in page.main.text
    assert "次回の発行は2026-12-01です。" in page.main.text
    assert page.main.all("select") == []


def test_only_months_with_a_report_can_be_chosen(operator, make, signed_in, url, report):
    report(8)
    report(10)
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    newest, august, none = (viewer.get(f"{url}/{query}") for query in ("", "?month=2026-08", "?month=2026-09"))

    page = Page(newest.text)
    assert [each.text for each in page.main.all("option")] == ["2026-10", "2026-08"]
    assert page.main.classed("report-text")[0].raw_text == "月次レポート\n<b>太字</b>\n"
    assert "2026-08の月次レポート" in Page(august.text).main.text
    for answer in (none, *(viewer.get(f"{url}/{file}?month=2026-09") for file in ("text", "pdf"))):
        assert answer.status_code == 404
        assert "この年月の月次レポートは発行されていません。" in Page(answer.text).main.text
        assert "Content-Disposition" not in answer.headers


def test_the_text_is_a_file_for_windows(operator, customer, url, report):
    report(10)

    answer = operator.get(f"{url}/text?month=2026-10")

    assert answer.data == "\ufeff月次レポート\r\n<b>太字</b>\r\n".encode()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="monthly_report_{customer.id}_2026-10.txt"'
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_another_tenants_reports_are_not_found(operator, make, url, report, signed_in):
    report(10)
    tenant = make.tenant()
    stranger = signed_in(make.member(tenant, "Partner Operator"), tenant)

    for path in ("/", "/text?month=2026-10", "/pdf?month=2026-10"):
        assert stranger.get(f"{url}{path}").status_code == 404


def test_the_pdf_is_a_file(operator, customer, url, report):
    if not monthly_pdf.available():
        pytest.skip("WeasyPrint does not find Pango here")
    report(10)

    answer = operator.get(f"{url}/pdf?month=2026-10")

    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="monthly_report_{customer.id}_2026-10.pdf"'
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("application/pdf", "nosniff")


def test_without_the_system_library_the_page_says_so(operator, url, report, monkeypatch):
    def missing():
        raise monthly_pdf.PdfUnavailable("cannot load library")

    monkeypatch.setattr(monthly_pdf, "_weasyprint", missing)
    report(10)

    answer = operator.get(f"{url}/pdf?month=2026-10")

    assert answer.status_code == 503
    assert "このサーバではPDFを作成できません。" in Page(answer.text).main.text
