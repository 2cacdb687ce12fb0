"""Customers that cannot be deleted, and why (§7.4.1 (2))."""

from __future__ import annotations

from datetime import UTC, date, datetime

import time_machine

from tests.support.pages import Page


def test_a_customer_whose_cancelled_contract_still_runs_says_from_which_day_it_can_be_deleted(make, signed_in):
    tenant = make.tenant()
    customer = make.customer(tenant=tenant)
    make.contract(customer_row=customer, status="cancelled", start_on=date(2026, 1, 1), end_on=date(2026, 12, 15))
    with time_machine.travel(datetime(2026, 12, 10, 3, 0, tzinfo=UTC)):
        client = signed_in(make.member(tenant, "Partner Operator"), tenant)
        page = Page(client.get(f"/customers/{customer.id}").text)
        listed = Page(client.get("/customers/").text)
        # As a form that asks first is sent without JavaScript.
        refused = client.post(f"/customers/{customer.id}/delete", data={"ask": "1"}, follow_redirects=True)

    button = next(each for each in page.main.all("button") if each.text == "削除")
    for shown, each in ((page, button), (listed, listed.root.one(aria_label=f"{customer.name} を削除"))):
        assert each.attributes["aria-disabled"] == "true"
        assert shown.root.one(id=each.attributes["aria-describedby"]).text == "2027-01-05から削除できます。"
    assert f"{customer.name}は削除されませんでした。理由は以下のとおりです。" in Page(refused.text).main.text
    assert Page(refused.text).main.text.count("2027-01-05から削除できます。") == 1


def test_the_reason_why_customers_of_a_list_cannot_be_deleted_is_given_once_and_costs_no_statement_for_each(
    operator, make, statements
):
    def listed() -> tuple[Page, int]:
        customer = make.customer(tenant=operator.tenant)
        make.contract(customer_row=customer)
        make.utm(customer_row=customer)
        statements.clear()
        return Page(operator.get("/customers/").text), len(statements)

    listed()
    _, before = listed()
    page, after = listed()

    assert after == before
    buttons = page.root.all("button", aria_disabled="true")
    assert len(buttons) == 3
    assert {each.attributes["aria-describedby"] for each in buttons} == {
        page.root.one("p", class_="refusal").attributes["id"]
    }
