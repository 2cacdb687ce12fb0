"""The figures of customers side by side."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import text

from models import clock
from tests.factories.applications import DELIVERY
from tests.support.days import TODAY
from tests.support.pages import Page

pytestmark = pytest.mark.usefixtures("on_today")

START = TODAY - timedelta(days=30)


@pytest.fixture
def customer(make, operator):
    """Three UTMs applied for, two contracted for 3,000 yen each, one registered and online."""
    row = make.customer(tenant=operator.tenant, name="株式会社くいちがい")
    service = {"state": "approved", "customer_id": row.id, "tenant": operator.tenant}
    make.service_application(deliveries=[DELIVERY | {"utm_count": 3}], **service)
    contract = make.contract(customer_row=row, start_on=START)
    make.contract_line(contract=contract, quantity=2, unit_price=3000)
    make.utm(customer_row=row, last_seen_at=clock.utc_now())
    return row


@pytest.fixture
def other(make, operator):
    """Nothing applied for, one UTM contracted and registered, but offline."""
    row = make.customer(tenant=operator.tenant, name="株式会社そろい")
    make.contract_line(contract=make.contract(customer_row=row, start_on=START))
    make.utm(customer_row=row, last_seen_at=clock.utc_now() - timedelta(days=1))
    return row


def cells(page, row):
    return next(cells for each in Page(page).rows if (cells := list(each.values()))[0] == row.id)


def file_of(client, query=""):
    data = client.get(f"/reconciliation/?csv=1{query}").data.decode("utf-8-sig")
    return {row[0]: row for row in csv.reader(io.StringIO(data))}


def test_the_figures_stand_side_by_side(operator, customer, other):
    page = operator.get("/reconciliation/").text

    numbers = ["3", "2", "1", "1", "¥6,000"]
    assert cells(page, customer) == [customer.id, customer.name, *numbers, f"不一致 {TODAY}から", "-"]
    assert cells(page, other) == [other.id, other.name, "-", "1", "1", "0", "¥6,600", "一致", "-"]


def test_the_first_day_of_a_mismatch_is_shown_until_it_ends(make, operator, customer, other):
    for row in (customer, other):
        make.session.execute(
            text("INSERT INTO utm_mismatch (tenant_id, customer_id, since) VALUES (:tenant, :customer, '2026-02-03')"),
            {"tenant": row.tenant_id, "customer": row.id},
        )
    make.session.commit()

    page = operator.get("/reconciliation/").text

    assert cells(page, customer)[7] == "不一致 2026-02-03から"
    assert cells(page, other)[7] == "一致", "Its numbers agree, although the next morning's check has not noted it yet."


@pytest.mark.parametrize(("figures", "shown"), [("differ", "customer"), ("agree", "other"), ("", "both")])
def test_customers_with_a_difference_can_be_searched(operator, customer, other, figures, shown):
    page = operator.get(f"/reconciliation/?figures={figures}").text

    assert (customer.name in page) is (shown != "other")
    assert (other.name in page) is (shown != "customer")


def test_those_with_utms_that_are_not_registered_can_be_searched_and_the_dashboard_leads_there(
    make, operator, customer
):
    more = make.customer(tenant=operator.tenant, name="株式会社よぶん")
    make.utm(customer_row=more)  # differs, but has no contract
    found = Page(operator.get("/reconciliation/?figures=lack").text)

    assert [next(iter(row.values())) for row in found.rows] == [customer.id]
    (figure,) = (each for each in Page(operator.get("/").text).root.all("a") if "契約済みで未登録" in each.text)
    assert figure.attributes["href"] == "/reconciliation/?figures=lack"


def test_exempt_customers_can_be_searched(make, operator, other):
    exempt = make.customer(tenant=operator.tenant, shortage_exemption="年度末にまとめて契約")

    assert cells(operator.get("/reconciliation/?exempt=yes").text, exempt)[8] == "年度末にまとめて契約"
    assert list(file_of(operator, "&exempt=yes")) == ["会社ID", exempt.id]
    assert list(file_of(operator, "&exempt=no")) == ["会社ID", other.id]


def test_the_file_has_the_same_figures_and_no_formulas(make, operator, customer, other):
    formula = make.customer(tenant=operator.tenant, shortage_exemption='=HYPERLINK("https://elsewhere.example/")')

    rows = file_of(operator)

    assert rows[customer.id][2:] == ["3", "2", "1", "1", "6000", TODAY.isoformat(), ""]
    assert rows[other.id][2:] == ["", "1", "1", "0", "6600", "", ""]
    assert rows[formula.id][8] == '\'=HYPERLINK("https://elsewhere.example/")'


def test_the_figures_of_the_file_are_read_in_parts(make, operator, customer, monkeypatch, statements):
    monkeypatch.setattr("views.reconciliation.reconciliation._FILE_BATCH", 3)
    for _ in range(4):
        make.customer(tenant=operator.tenant)
    del statements[:]

    rows = file_of(operator)

    assert len(rows) == 6
    assert rows[customer.id][2:6] == ["3", "2", "1", "1"]
    assert len([each for each in statements if "utm_mismatch" in each]) == 2


def test_numbers_lead_to_what_they_count(operator, customer):
    links = Page(operator.get("/reconciliation/").text).links

    for url in ("", "#contracts", "/security"):
        assert f"/customers/{customer.id}{url}" in links


def test_customers_of_others_and_deleted_ones_are_not_shown(make, operator):
    theirs = make.customer(name="株式会社よそ")
    gone = make.customer(tenant=operator.tenant, name="株式会社さよなら", deleted_at=clock.utc_now())

    page = operator.get("/reconciliation/").text

    assert theirs.name not in page
    assert gone.name not in page
    assert list(file_of(operator)) == ["会社ID"]


def test_the_page_takes_few_statements(operator, make, customer, statements):
    for _ in range(10):
        make.customer(tenant=operator.tenant)
    operator.get("/reconciliation/")
    del statements[:]

    operator.get("/reconciliation/?figures=differ")

    assert len(statements) <= 6
