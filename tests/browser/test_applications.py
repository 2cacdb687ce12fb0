"""申込管理 in a browser: a row is chosen, the action menu offers what is possible, and the keyboard is enough (§8.2.2)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


@pytest.fixture
def applications(page, make):
    """A pending and a held application of the tenant of the operator who is signed in."""
    tenant = make.tenant()
    operator = make.member(tenant, "Partner Operator", password=weak_hash())
    sign_in(page, operator.email)
    return [
        make.service_application(tenant=tenant, state=state, company=f"サンプル企業{number}")
        for number, state in enumerate(("pending", "held"))
    ]


def choose(page, row):
    page.get_by_role("radio", name=f"{row.id}を選択").check()


def test_the_menu_offers_what_is_possible_with_the_chosen_row(page, applications, sound, fits):
    pending, held = applications
    page.goto("/service-applications/")
    sound(page)
    fits(page)
    page.locator(".page-actions summary").click()
    approve, hold = (page.get_by_role("button", name=name, exact=True) for name in ("承認", "保留"))
    page.get_by_text("一覧で申請を1件選択してください。").wait_for()
    expect(approve).to_be_disabled()
    sound(page)
    page.keyboard.press("Escape")

    choose(page, held)
    page.locator(".page-actions summary").click()
    expect(approve).to_be_enabled()
    expect(hold).to_be_hidden()
    page.keyboard.press("Escape")
    choose(page, pending)
    page.locator(".page-actions summary").click()
    hold.click()

    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    expect(dialog).to_contain_text("申請を保留します。")
    sound(page)
    dialog.get_by_role("button", name="OK").click()
    page.get_by_text("申請を保留しました。").wait_for()


@at_desk
def test_an_application_is_approved_by_keyboard_alone_and_leads_to_its_contract(page, applications, sound):
    pending, _ = applications
    page.goto("/service-applications/")
    page.get_by_role("radio", name=f"{pending.id}を選択").focus()
    page.keyboard.press("Space")
    page.locator(".page-actions summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "承認"
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    expect(dialog).to_contain_text("サンプル企業0")
    sound(page)
    page.keyboard.press("Enter")
    page.get_by_text(f"申請を承認しました。(対象の申請番号：{pending.id})").wait_for()
    sound(page)

    page.get_by_role("link", name="契約を申し込む").click()
    page.locator("#start_on").wait_for()
    expect(page.locator("#ship_company")).to_have_value("株式会社みどり電機")
    sound(page)


@at_desk
def test_the_page_of_an_application(page, applications, sound, fits):
    page.goto(f"/service-applications/{applications[0].id}")
    sound(page)
    fits(page)
    page.get_by_label("メモ1").fill("めも")
    page.get_by_text("さらに表示").first.click()
    page.get_by_label("メモ3").fill("めも3")
    page.locator(".page-actions summary").click()
    page.get_by_role("button", name="保存して保留").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("申請を保留しました。").wait_for()


def test_everything_is_done_without_javascript(chromium, live_url, make):
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    tenant = make.tenant()
    operator = make.member(tenant, "Partner Operator", password=weak_hash())
    row = make.service_application(tenant=tenant)
    sign_in(page, operator.email)

    page.goto("/service-applications/")
    page.locator("label[for=unit-year]").click()
    expect(page.locator("#year")).to_be_visible()
    expect(page.locator("#month")).to_be_hidden()
    choose(page, row)
    page.locator(".page-actions summary").click()
    page.get_by_role("button", name="否認", exact=True).click()
    page.get_by_text("申請を否認します。").wait_for()
    page.get_by_role("button", name="OK").click()
    page.get_by_text(f"申請を否認しました。(対象の申請番号：{row.id})").wait_for()
    context.close()
