"""The overview on a customer's page, and the warning about more UTMs than contracted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import clock
from tests.support.pages import Page

WARNING = "契約数（1台）を超えています"
BEFORE = "契約数（1台）を超えます"


@pytest.fixture
def customer(make, operator):
    """A customer with a contract of one UTM, and one UTM."""
    row = make.customer(tenant=operator.tenant, balance=13200)
    today = clock.tokyo_day(clock.utc_now())
    contract = make.contract(customer_row=row, end_on=today + timedelta(days=9))
    make.contract_line(contract=contract)
    make.utm(customer_row=row)
    return row


def overview(client, customer) -> dict[str, tuple[str, str | None]]:
    page = Page(client.get(f"/customers/{customer.id}").text)
    card = page.main.one("section", **{"aria-labelledby": "overview"})
    return {
        item.one("dt").text: (item.one("dd").text, item.one("a").attributes["href"] if item.all("a") else None)
        for item in card.all("div", class_="datagrid-item")
    }


def test_the_overview_has_the_figures_of_all_areas_as_links(operator, customer):
    today = clock.tokyo_day(clock.utc_now())
    url = f"/customers/{customer.id}"

    assert overview(operator, customer) == {
        "契約UTM数": ("1", "#contracts"),
        "登録UTM数": ("1", f"{url}/security"),
        "動作": ("未接続 1", f"{url}/security"),
        "重要アラート（31日間）": ("0", f"{url}/alerts/important"),
        "次回の更新日": (f"{today + timedelta(days=10)}", f"{url}/contracts/A-S00000001"),
        "残高": ("¥13,200", f"{url}/invoices/"),
        "取引先": ("青空 花子", f"{url}#part-2"),
    }


def test_more_utms_than_contracted_are_a_warning_on_the_overview_and_on_the_form(operator, make, customer):
    page = operator.get(f"/customers/{customer.id}").text
    form = operator.get(f"/customers/{customer.id}/utms/add").text
    assert (WARNING in page, BEFORE in form) == (False, True)

    make.utm(customer_row=customer)

    assert WARNING in operator.get(f"/customers/{customer.id}").text


def test_a_contracted_utm_is_registered_without_a_warning_and_a_further_one_is_not_refused(operator, make, customer):
    contract = make.contract(customer_row=customer)
    make.contract_line(contract=contract, quantity=1)
    assert "契約数" not in operator.get(f"/customers/{customer.id}/utms/add").text

    make.utm(customer_row=customer)
    good = {
        "utm_id": "a1b2c3d4e5f6",
        "name": "支社",
        "serial": "SERIALNUMBER111",
        "postcode": "733-0001",
        "address": "広島県広島市西区大芝一丁目1番1号",
        "delivery_status": "受領済",
    }
    answer = operator.post(f"/customers/{customer.id}/utms/add", data=good, follow_redirects=True)
    assert "UTM情報を登録しました。" in Page(answer.text).main.text


def test_contracts_to_come_count_and_void_ones_do_not(operator, make, customer):
    today = clock.tokyo_day(clock.utc_now())
    for values in ({"start_on": today + timedelta(days=5)}, {"status": "void"}):
        contract = make.contract(customer_row=customer, **values)
        make.contract_line(contract=contract, quantity=4)

    assert overview(operator, customer)["契約UTM数"][0] == "5"


def test_the_overview_takes_few_statements(operator, make, customer, statements):
    operator.get(f"/customers/{customer.id}")
    statements.clear()
    operator.get(f"/customers/{customer.id}")
    few = len(statements)
    for _ in range(3):
        contract = make.contract(customer_row=customer)
        make.contract_line(contract=contract)
        make.utm(customer_row=customer)
    statements.clear()
    operator.get(f"/customers/{customer.id}")

    assert len(statements) == few <= 14
