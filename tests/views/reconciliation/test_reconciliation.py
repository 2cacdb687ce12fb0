"""The figures of customers side by side, and exemptions from the check for missing contracts."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from models import clock
from models.customers.customer import Customer
from tests.factories.applications import DELIVERY
from tests.support.pages import Page, answered

TODAY = clock.tokyo_day(clock.utc_now())


@pytest.fixture
def customer(make, operator):
    """Three UTMs applied for, two contracted for 3,000 yen each, one registered and online."""
    row = make.customer(tenant=operator.tenant, name="株式会社くいちがい")
    service = {"state": "approved", "customer_id": row.id, "tenant": operator.tenant}
    make.service_application(deliveries=[DELIVERY | {"utm_count": 3}], **service)
    start = TODAY - timedelta(days=30)
    contract = make.contract(customer_row=row, start_on=start, end_on=start + timedelta(days=364))
    make.contract_line(contract=contract, quantity=2, unit_price=3000, starts_on=start)
    make.utm(customer_row=row, last_seen_at=clock.utc_now())
    return row


@pytest.fixture
def other(make, operator):
    return make.customer(tenant=operator.tenant, name="株式会社そろい")


def cells(page, name):
    return next(list(row.values()) for row in Page(page).rows if name in row.values())


def test_the_figures_stand_side_by_side(operator, customer, other):
    page = operator.get("/reconciliation/").text

    assert cells(page, customer.name)[:9] == [
        customer.id,
        customer.name,
        "3",
        "2",
        "1",
        "1",
        "¥6,000",
        TODAY.isoformat(),
        "不一致",
    ]
    assert cells(page, other.name)[2:9] == ["0", "0", "0", "0", "¥0", "-", "一致"]


@pytest.mark.parametrize(("figures", "shown"), [("differ", "customer"), ("agree", "other"), ("", "both")])
def test_customers_with_a_difference_can_be_searched(operator, customer, other, figures, shown):
    page = operator.get(f"/reconciliation/?figures={figures}").text

    assert (customer.name in page) is (shown != "other")
    assert (other.name in page) is (shown != "customer")


def test_the_file_has_the_same_figures(operator, customer, other):
    text = operator.get("/reconciliation/?csv=1").data.decode("utf-8-sig")

    rows = {row[0]: row for row in csv.reader(io.StringIO(text))}
    assert rows[customer.id][2:9] == ["3", "2", "1", "1", "6000", TODAY.isoformat(), "不一致"]
    assert other.id in rows


def test_staff_exempt_a_customer_with_a_reason(make, signed_in, operator, customer):
    staff = signed_in(make.elevated("NEC Staff"), operator.tenant)
    url = f"/reconciliation/{customer.id}/edit"
    form = Page(staff.get(url).text).main_form

    answer = staff.post(url, data=answered(form.sent(shortage_exemption="年度末にまとめて契約")), follow_redirects=True)

    assert "契約確認の対象外の設定を変更しました。" in answer.text
    assert make.session.get(Customer, customer.id, populate_existing=True).shortage_exemption == "年度末にまとめて契約"
    assert customer.name in staff.get("/reconciliation/?exempt=yes").text
    assert customer.name not in staff.get("/reconciliation/?exempt=no").text


def test_operators_cannot_exempt(operator, customer):
    assert operator.get(f"/reconciliation/{customer.id}/edit").status_code == 403
    assert "/edit" not in operator.get("/reconciliation/").text


def test_customers_of_others_and_deleted_ones_are_not_shown(make, operator):
    theirs = make.customer(name="株式会社よそ")
    gone = make.customer(tenant=operator.tenant, name="株式会社さよなら", deleted_at=clock.utc_now())

    page = operator.get("/reconciliation/").text

    assert theirs.name not in page
    assert gone.name not in page


def test_the_page_takes_few_statements(operator, make, customer, statements):
    for _ in range(10):
        make.customer(tenant=operator.tenant)
    operator.get("/reconciliation/")
    del statements[:]

    operator.get("/reconciliation/?figures=differ")

    assert len(statements) <= 6
