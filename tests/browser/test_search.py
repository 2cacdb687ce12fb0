"""The search field of the header by keyboard, and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


@pytest.fixture
def utm(make):
    tenant = make.tenant()
    make.confirmed_address(tenant)
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    for number in range(7):
        make.customer(tenant=tenant, name=f"あおぞら工業{number}")
    customer, utm = make.customer_with_utm(tenant, utm_id="a1b2c3d4e5f6", name="支店ゲートウェイ")
    utm.customer = customer
    return utm


def field(page):
    return page.locator("input[name=q]:visible")


@pytest.fixture
def searching(page, utm):
    """The page with the focus in its search field, by the key."""
    sign_in(page, "operator@example.jp")
    page.goto("/customers/")
    page.keyboard.press("/")
    expect(field(page)).to_be_focused()
    return page


@at_desk
def test_suggestions_are_sound(searching, sound):
    field(searching).press_sequentially("A1:B2:C3")
    expect(searching.locator("[role=option]:visible")).to_have_count(1)
    sound(searching)


@at_desk
def test_a_suggestion_is_chosen_by_keyboard(searching, utm):
    field(searching).press_sequentially("A1:B2:C3")
    expect(searching.locator("[role=option]:visible")).to_have_count(1)
    expect(searching.get_by_role("status").filter(has_text="1件見つかりました。")).to_have_count(1)
    expect(field(searching)).to_have_attribute("aria-expanded", "true")
    searching.keyboard.press("ArrowDown")
    chosen = searching.locator("[role=option][aria-selected=true]")
    expect(field(searching)).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))

    searching.keyboard.press("Enter")

    searching.wait_for_url(f"**/customers/{utm.customer.id}/utms/{utm.id}")


@at_desk
def test_escape_closes_the_suggestions_and_arrows_open_them_again(searching):
    field(searching).press_sequentially("あおぞら工業")
    options = searching.locator("[role=option]:visible")
    expect(options).to_have_count(6)

    searching.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(field(searching)).to_have_value("あおぞら工業")
    searching.keyboard.press("ArrowUp")
    searching.keyboard.press("ArrowUp")
    expect(searching.locator("[role=option][aria-selected=true]")).to_have_text("すべての結果を表示")
    searching.keyboard.press("Enter")

    searching.get_by_text("7件", exact=True).wait_for()
    expect(field(searching)).to_have_value("あおぞら工業")


@at_desk
def test_enter_leads_to_the_results(searching, sound):
    field(searching).press_sequentially("ない")
    searching.keyboard.press("Enter")

    searching.locator("main").get_by_text("見つかりませんでした。").wait_for()
    sound(searching)


@at_desk
def test_the_key_is_typed_in_other_fields(page, utm):
    sign_in(page, "operator@example.jp")
    page.goto("/customers/add")
    page.get_by_label("会社名").focus()

    page.keyboard.press("/")

    expect(page.get_by_label("会社名")).to_have_value("/")
    expect(page.get_by_label("会社名")).to_be_focused()


@pytest.mark.parametrize("width", [1280, 390])
def test_results_come_without_javascript(chromium, live_url, utm, width):
    context = chromium.new_context(
        base_url=live_url, java_script_enabled=False, locale="ja-JP", viewport={"width": width, "height": 844}
    )
    page = context.new_page()
    sign_in(page, "operator@example.jp")
    page.goto("/")
    if width == 390:
        page.get_by_role("link", name="ポータル内検索").click()
    field(page).fill("a1-b2-c3-d4-e5-f6")
    page.keyboard.press("Enter")

    page.get_by_role("link", name="a1b2c3d4e5f6").click()

    page.get_by_role("heading", name="支店ゲートウェイ").wait_for()
    context.close()
