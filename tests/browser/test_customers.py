"""Customers by keyboard and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


@pytest.fixture
def customer(make):
    tenant = make.tenant()
    make.confirmed_address(tenant)
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    return make.customer(tenant=tenant, postcode="733-0001", prefecture="東京都", address="千代田区一丁目1番1号")


@at_desk
def test_enter_in_a_field_asks_for_the_change_and_leaves_the_address_alone(page, customer):
    sign_in(page, "operator@example.jp")
    page.goto(f"/customers/{customer.id}/edit")
    page.get_by_label("会社名").fill("新しい名前")

    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="OK").click()

    page.get_by_text("顧客情報を変更しました。").wait_for()
    expect(page.get_by_text("千代田区一丁目1番1号")).to_be_visible()
    expect(page.get_by_role("heading", name="新しい名前")).to_be_visible()


def test_enter_in_a_field_changes_the_customer_also_without_javascript(chromium, live_url, customer):
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    sign_in(page, "operator@example.jp")
    page.goto(f"/customers/{customer.id}/edit")
    page.get_by_label("会社名").fill("新しい名前")

    page.keyboard.press("Enter")
    page.get_by_text("顧客情報を変更します。").wait_for()
    page.get_by_role("button", name="OK").click()

    page.get_by_text("顧客情報を変更しました。").wait_for()
    expect(page.get_by_text("千代田区一丁目1番1号")).to_be_visible()
    context.close()


def fill_in_the_address_and_type_on(page, customer):
    """Let the address be filled in, and type into the field that has the focus then."""
    sign_in(page, "operator@example.jp")
    page.goto(f"/customers/{customer.id}/edit")
    page.get_by_role("button", name="郵便番号から住所を入力").click()
    expect(page.locator("#address")).to_be_focused()
    page.keyboard.type("1-1")


@at_desk
def test_the_address_that_was_filled_in_is_where_one_goes_on_typing(page, customer, sound):
    fill_in_the_address_and_type_on(page, customer)

    expect(page.locator("#address")).to_have_value("広島市西区大芝1-1")
    expect(page.locator("#address")).to_be_in_viewport()
    expect(page.get_by_text("郵便番号から都道府県と住所を入力しました。")).to_be_in_viewport()
    sound(page)


@at_desk
def test_one_goes_on_typing_at_its_end_also_while_the_page_still_comes(page, customer):
    page.add_init_script("document.addEventListener('DOMContentLoaded', (event) => event.stopImmediatePropagation())")

    fill_in_the_address_and_type_on(page, customer)

    expect(page.locator("#address")).to_have_value("広島市西区大芝1-1")


@at_desk
def test_who_comes_second_is_led_to_what_the_first_saved(page, make, customer, sound):
    sign_in(page, "operator@example.jp")
    page.goto(f"/customers/{customer.id}/edit")
    customer.memo1 = "先に保存したメモ"
    make.session.commit()
    page.get_by_label("メモ1").fill("後から保存したメモ")
    page.get_by_role("button", name="変更").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()

    card = page.get_by_role("region", name="編集中に、他の人がこの顧客情報を変更しました。")
    expect(card).to_be_focused()
    expect(card.get_by_role("alert")).to_contain_text("保存されていません")
    sound(page)


@at_desk
def test_a_text_that_is_too_long_is_told_and_nothing_of_it_is_cut_off(page, customer):
    sign_in(page, "operator@example.jp")
    page.goto(f"/customers/{customer.id}/edit")
    page.get_by_label("会社名").fill("𠮷" * 41)
    page.get_by_label("部署").fill("𠮷" * 40)
    page.get_by_role("button", name="変更").click()

    expect(page.locator("#name-error")).to_have_text("40文字以下で入力してください。")
    expect(page.get_by_label("会社名")).to_have_value("𠮷" * 41)
    expect(page.get_by_label("部署")).to_have_value("𠮷" * 40)
    expect(page.locator("#contact_department-error")).to_have_count(0)
