"""Delivery addresses of approved applications on the forms of contracts and UTMs (§7.5.3, §7.7, §7.8)."""

from __future__ import annotations

import pytest

from tests.factories.applications import DELIVERY
from tests.support.pages import Page

OTHER = DELIVERY | {
    "company": "みどり電機倉庫",
    "postcode": "100-0001",
    "prefecture": "東京都",
    "address": "千代田区1-1",
}


@pytest.fixture
def apply(make, operator, shop):
    """Make an approved service application of the shop's customer."""

    def apply(*deliveries):
        return make.service_application(
            tenant=operator.tenant, state="approved", customer_id=shop.customer.id, deliveries=list(deliveries)
        )

    return apply


def shipping(page):
    sent = page.main_form.sent()
    return {name: sent[name] for name in sent if name.startswith("ship_")}


def options(page):
    return [
        each.attributes["value"]
        for select in page.root.all("select", name="applied_address")
        for each in select.all("option")
        if each.attributes["value"]
    ]


def add_page(operator, shop, **query):
    return Page(operator.get(f"{shop.url}/add", query_string=query).text)


def test_without_approved_applications_no_address_is_offered(operator, make, shop):
    make.service_application(tenant=operator.tenant)
    make.utm_application(customer_row=shop.customer)

    page = add_page(operator, shop)

    assert options(page) == []
    assert shipping(page)["ship_company"] == ""


def test_no_address_is_chosen_before_the_person_chooses_one(operator, make, shop, apply):
    make.contract(customer_row=shop.customer, product=shop.product)
    apply(DELIVERY)
    for url in (f"{shop.url}/add", f"/customers/{shop.customer.id}/utms/add"):
        page = Page(operator.get(url).text)

        (select,) = page.root.all("select", name="applied_address")
        assert select.all("option")[0].text == "選択してください"
        assert page.main_form.sent()["applied_address"] == ""
        sent = page.main_form.sent(fill_applied_address="1")
        assert operator.post(url, data=sent).status_code == 200


def test_a_single_address_is_filled_in(operator, shop, apply):
    apply(DELIVERY)

    page = add_page(operator, shop)

    assert shipping(page) == {
        "ship_company": "株式会社みどり電機",
        "ship_last_name": "緑川",
        "ship_first_name": "三郎",
        "ship_department": "情報システム部",
        "ship_postcode": "530-0001",
        "ship_prefecture": "大阪府",
        "ship_address": "大阪市北区梅田一丁目1番1号",
        "ship_phone": "0612345679",
    }


def test_the_same_address_in_two_applications_is_a_single_one(operator, make, shop, apply):
    apply(DELIVERY)
    make.utm_application(customer_row=shop.customer, state="approved")

    page = add_page(operator, shop)

    assert len(options(page)) == 2
    assert shipping(page)["ship_company"] == "株式会社みどり電機"


def test_of_several_addresses_one_is_chosen_without_losing_what_was_typed(operator, make, shop, apply):
    apply(DELIVERY)
    make.utm_application(customer_row=shop.customer, state="approved", deliveries=[OTHER])
    page = add_page(operator, shop)
    groups = [each.attributes["label"] for each in page.root.all("optgroup")]
    assert groups == ["サービス利用申請情報", "UTM追加申請情報"]
    assert shipping(page)["ship_company"] == ""

    sent = page.main_form.sent(applied_address=options(page)[1], fill_applied_address="1", memo1="めも")
    answer = operator.post(f"{shop.url}/add", data=sent)

    assert answer.status_code == 200
    filled = Page(answer.text)
    assert shipping(filled)["ship_company"] == "みどり電機倉庫"
    assert shipping(filled)["ship_address"] == "千代田区1-1"
    assert filled.main_form.sent()["memo1"] == "めも"


def test_the_address_that_an_approval_leads_to_is_filled_in_with_shipping(operator, shop, apply):
    application = apply(DELIVERY, OTHER)

    page = add_page(operator, shop, delivery=f"service-{application.deliveries[1].id}")

    assert shipping(page)["ship_company"] == "みどり電機倉庫"
    assert page.main_form.sent()["ships_utm"] == "1"


@pytest.mark.parametrize("key", ["service-0", "utm-1", "x", "😀"])
def test_an_unknown_address_is_ignored(operator, shop, apply, key):
    apply(DELIVERY, OTHER)

    assert shipping(add_page(operator, shop, delivery=key))["ship_company"] == ""


def test_addresses_of_another_customer_are_not_offered(operator, make, shop):
    other = make.customer(tenant=operator.tenant)
    make.service_application(tenant=operator.tenant, state="approved", customer_id=other.id)

    assert options(add_page(operator, shop)) == []


def test_an_address_is_chosen_where_a_contract_is_changed(operator, make, shop, apply):
    apply(DELIVERY)
    contract = make.contract(customer_row=shop.customer, product=shop.product, ships_utm=True, ship_company="元の会社")
    make.contract_line(contract=contract, rate_plan=shop.plan)
    url = f"{shop.url}/{contract.id}/edit"
    page = Page(operator.get(url).text)
    assert shipping(page)["ship_company"] == "元の会社"

    sent = page.main_form.sent(applied_address=options(page)[0], fill_applied_address="1")
    filled = Page(operator.post(url, data=sent).text)

    assert shipping(filled)["ship_company"] == "株式会社みどり電機"


def test_a_single_address_is_filled_in_where_a_utm_is_registered(operator, make, shop, apply):
    make.contract(customer_row=shop.customer, product=shop.product)
    apply(DELIVERY)
    url = f"/customers/{shop.customer.id}/utms/add"

    page = Page(operator.get(url).text)

    assert page.main_form.sent()["postcode"] == "530-0001"
    assert page.main_form.sent()["address"] == "大阪府大阪市北区梅田一丁目1番1号"


def test_one_of_several_addresses_is_chosen_where_a_utm_is_registered(operator, make, shop, apply):
    make.contract(customer_row=shop.customer, product=shop.product)
    apply(DELIVERY, OTHER)
    url = f"/customers/{shop.customer.id}/utms/add"
    page = Page(operator.get(url).text)
    assert page.main_form.sent()["address"] == ""

    sent = page.main_form.sent(applied_address=options(page)[1], fill_applied_address="1", name="本社")
    filled = Page(operator.post(url, data=sent).text).main_form.sent()

    assert (filled["postcode"], filled["address"], filled["name"]) == ("100-0001", "東京都千代田区1-1", "本社")
