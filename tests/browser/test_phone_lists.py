"""Lists on a phone: after a search they begin at once, and their cards are short."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.signing_in import sign_in
from tests.support.fixtures import weak_hash

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("page", ["phone"], indirect=True)]
ROWS = "main .stack tbody > tr"


@pytest.fixture
def tenant(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    return tenant


def test_after_a_search_each_list_begins_above_the_middle_of_a_phone(page, make, tenant, sound):
    customer = make.customer(tenant=tenant, name="青空商店")
    make.contract(customer_row=customer, product=make.product(includes_utm=True))
    make.utm(customer_row=customer, name="本店")
    make.ticket(tenant=tenant, title="本店の件", customer_id=customer.id)
    make.audit_entry(tenant=tenant, actor="operator@example.jp")
    make.service_application(tenant=tenant, company="青空商店")
    sign_in(page, "operator@example.jp")

    for url in (
        "/customers/?name=青空",
        "/utms/?name=本店",
        "/tickets/?title=本店",
        "/audit-log/?actor=operator",
        "/service-applications/?company=青空",
        f"/customers/{customer.id}/security?name=本店",
    ):
        page.goto(url)
        assert page.locator(ROWS).first.bounding_box()["y"] < 420, url
        expect(page.get_by_role("search").last.get_by_role("button", name="検索")).to_be_hidden()
        sound(page)


def test_a_page_of_customers_is_short_and_repeats_no_label_that_says_nothing(page, make, tenant):
    for _ in range(25):
        make.customer(tenant=tenant)
    sign_in(page, "operator@example.jp")
    page.goto("/customers/")

    expect(page.locator(ROWS)).to_have_count(25)
    labels = page.locator(f"{ROWS}:first-child td").evaluate_all(
        "all => all.map(each => getComputedStyle(each, '::before').content).filter(each => each !== 'none')"
    )
    assert labels == ['"残高"', '"最終請求日"']
    assert page.evaluate("document.documentElement.scrollHeight") <= 3_700


def test_a_search_with_an_invalid_value_is_not_folded(page, tenant):
    sign_in(page, "operator@example.jp")
    page.goto("/customers/?contact_phone=x")

    expect(page.get_by_role("search").last.get_by_role("button", name="検索")).to_be_visible()
