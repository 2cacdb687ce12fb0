"""A contract from the application to the cancellation, by keyboard, as people see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from models import clock
from tests.browser.signing_in import enter_tenant, sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


def today() -> str:
    return clock.tokyo_day(clock.utc_now()).isoformat()


@pytest.fixture
def customer(page, make):
    """A customer of the tenant of the operator who is signed in, and products to choose from."""
    return sell(page, make)


def sell(page, make):
    """Sign an operator in who can sell a customer two products, and return the customer."""
    tenant = make.tenant()
    operator = make.member(tenant, "Partner Operator", password=weak_hash())
    with_utm, plain = make.product(name="見守りUTM"), make.product(name="見守りメール", includes_utm=False)
    plan = make.rate_plan(product=with_utm, name="月額プラン", price=6600)
    make.charge(rate_plan=plan, name="初月割引", model="discount", unit_price=100, discount_months=1)
    make.rate_plan(product=with_utm, name="特別プラン", price=9000, price_editable=True)
    make.rate_plan(product=plain, name="メールプラン", price=300)
    sign_in(page, operator.email)
    return make.customer(tenant=tenant, name="株式会社テストABC")


@at_desk
def test_a_contract_is_applied_for(page, customer, sound):
    page.goto(f"/customers/{customer.id}")
    sound(page)
    page.get_by_role("link", name="契約を申し込む").click()
    page.get_by_label("契約開始日").wait_for()
    expect(page.locator("#utm_id")).to_be_hidden()
    expect(page.locator("#ship_company")).to_be_hidden()
    sound(page)

    page.get_by_label("契約開始日").fill(today())
    page.get_by_label("商品", exact=False).first.select_option("見守りUTM")
    page.locator("#lines-0-rate_plan_id option", has_text="特別プラン").wait_for(state="attached")
    page.locator("#lines-0-rate_plan_id").select_option("月額プラン")
    page.get_by_text("初月割引").wait_for()
    expect(page.locator("#lines-0-unit_price")).to_have_value("6600")
    expect(page.locator("#lines-0-unit_price")).not_to_be_editable()
    page.locator("#add-line").click()
    page.locator("#lines-1-rate_plan_id").wait_for()
    expect(page.locator("#lines-1-rate_plan_id")).to_be_focused()
    page.get_by_role("button", name="契約情報 2 を削除").click()
    page.locator("#lines-1-rate_plan_id").wait_for(state="detached")
    expect(page.locator("#add-line")).to_be_focused()
    page.get_by_label("不要").check()
    expect(page.locator("#utm_id")).to_be_visible()
    page.get_by_label("必要").check()
    expect(page.locator("#utm_id")).to_be_hidden()
    expect(page.locator("#ship_company")).to_be_visible()
    sound(page)
    page.get_by_label("不要").check()

    page.get_by_role("button", name="申込", exact=True).last.click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    expect(dialog).to_contain_text("契約を申込みます。")
    expect(dialog).to_contain_text("¥6,600")
    sound(page)
    page.keyboard.press("Enter")
    page.get_by_text("契約を申込みました。").wait_for()
    sound(page)


@at_desk
def test_a_contract_is_changed_cancelled_and_restored(page, make, customer, sound):
    contract = make.contract(customer_row=customer, ships_utm=False)
    make.contract_line(contract=contract)
    page.goto(f"/customers/{customer.id}/contracts/{contract.id}")
    page.get_by_role("link", name="変更", exact=True).click()
    page.get_by_label("メモ1").fill("めも")
    sound(page)
    page.get_by_role("button", name="変更", exact=True).last.click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("契約情報を変更しました。").wait_for()

    page.get_by_role("link", name="解約", exact=True).click()
    page.get_by_label("はい").check()
    sound(page)
    page.get_by_role("button", name="解約", exact=True).last.click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    expect(dialog).to_contain_text("顧客の削除が可能になる日")
    sound(page)
    dialog.get_by_role("button", name="OK").click()
    page.get_by_text("契約を解約しました。").wait_for()
    sound(page)

    page.get_by_role("link", name=contract.id).click()
    page.get_by_role("button", name="解約取消").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("解約を取り消しました。").wait_for()


def test_everything_is_shown_and_prices_come_by_a_button_without_javascript(chromium, live_url, make):
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    customer = sell(page, make)
    page.goto(f"/customers/{customer.id}/contracts/add")
    expect(page.locator("#utm_id")).to_be_visible()
    expect(page.locator("#ship_company")).to_be_visible()
    page.get_by_text("該当しない入力は無視されます。").wait_for()

    page.locator("#start_on").fill(today())
    page.locator("#product_id").select_option("見守りメール")
    page.get_by_role("button", name="商品の料金プランを表示").click()
    page.locator("#lines-0-rate_plan_id").select_option("メールプラン")
    page.get_by_role("button", name="単価と課金を表示").click()
    expect(page.locator("#lines-0-unit_price")).to_have_value("300")
    page.get_by_role("button", name="追加", exact=True).click()
    page.get_by_role("button", name="契約情報 2 を削除").click()
    page.get_by_role("button", name="申込", exact=True).last.click()
    page.get_by_text("契約を申込みます。").wait_for()
    page.get_by_role("button", name="OK").click()
    page.get_by_text("契約を申込みました。").wait_for()
    context.close()


@at_desk
def test_the_form_is_filled_in_by_keyboard_alone(page, customer):
    page.goto(f"/customers/{customer.id}/contracts/add")
    page.locator("#start_on").fill(today())
    page.locator("#product_id").focus()
    page.keyboard.press("ArrowDown")
    page.locator("#lines-0-rate_plan_id option", has_text="月額プラン").wait_for(state="attached")
    expect(page.locator("#product_id")).to_be_focused()
    page.locator("#lines-0-rate_plan_id").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_text("初月割引").wait_for()
    # The part of the page was made again; the focus is where it was.
    expect(page.locator("#lines-0-rate_plan_id")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#lines-0-quantity")).to_be_focused()
    page.keyboard.type("2")
    page.locator("#ships_utm-0").focus()
    page.keyboard.press("ArrowDown")
    page.locator("#utm_id").wait_for(state="visible")
    page.locator("#start_on").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("契約を申込みました。").wait_for()


def test_the_label_of_a_number_is_wrapped_on_a_phone(page, make, customer):
    contract = make.contract(customer_row=customer)
    make.contract_line(contract=contract)
    # On the 1st, the present month has no figures yet.
    yesterday = clock.tokyo_day(clock.utc_now()) - timedelta(days=1)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/contract-status/?month={yesterday:%Y-%m}")

    spaces = page.locator("td.number").evaluate_all(
        "all => all.map(each => getComputedStyle(each, '::before').whiteSpace)"
    )

    assert set(spaces) == {"normal"}, "A long label is written over the number."


def test_a_high_fee_stays_on_its_line_on_a_phone(page, make, customer):
    contract = make.contract(customer_row=customer, ships_utm=False)
    make.contract_line(contract=contract, quantity=9, unit_price=9_999_999_999)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/customers/{customer.id}/contracts/{contract.id}/cancel")
    page.get_by_label("はい").check()
    page.get_by_role("button", name="解約", exact=True).last.click()
    page.get_by_role("dialog").wait_for()

    fee = page.locator("#question-details dd").nth(1)
    height = fee.evaluate("each => each.clientHeight")
    dialog = page.get_by_role("dialog").evaluate("each => each.scrollWidth - each.clientWidth")

    expect(fee).to_contain_text("999,999")
    assert height < 40, "The amount is broken into two lines."
    assert dialog == 0


@at_desk
def test_usage_that_no_invoice_bills_is_billed_from_its_page(page, make, customer, sound):
    month = clock.months_before(clock.tokyo_day(clock.utc_now()), 1)
    contract = make.contract(customer_row=customer, start_on=month)
    plan = make.rate_plan(product=contract.product, name="従量プラン")
    charge = make.charge(rate_plan=plan, name="通信量", model="usage", unit_price=10)
    line = make.contract_line(contract=contract, rate_plan=plan)
    make.usage(line=line, charge_id=charge.id, month=month, quantity=5)
    page.context.clear_cookies()
    sign_in(page, make.elevated("NEC Staff", password=weak_hash()).email)
    enter_tenant(page, customer.tenant_id)
    page.goto("/billing/usage/")
    page.get_by_text("まだ請求されていません").wait_for()
    sound(page)

    page.get_by_role("button", name=f"{month:%Y-%m}の請求を発行").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()

    page.get_by_text("請求を発行しました: 1件").wait_for()
