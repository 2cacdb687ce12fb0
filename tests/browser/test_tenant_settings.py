"""§5.4.1 in a browser: the lists with and without scripts, the dialog, the keyboard, the longest values."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.signing_in import enter_tenant, sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


@pytest.fixture
def tenant(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.confirmed_address(tenant)
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    make.member(tenant, "Partner Viewer", email="viewer@example.jp", password=weak_hash())
    make.elevated("NEC Staff", email="staff@example.jp", password=weak_hash())
    return tenant


def press_ok(page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="OK").click()


def fill_new_link(page) -> None:
    section = page.get_by_role("group", name="リンク情報追加")
    section.get_by_label("リンク名").fill("ご利用ガイド")
    section.get_by_label("掲載日").fill("2026-11-01")
    section.get_by_label("URL").fill("https://www.example.jp/guide")
    section.get_by_label("説明").fill("使い方の説明です。")


def test_an_operator_sets_the_tenant_up(page, tenant, sound):
    sign_in(page)
    page.goto("/")
    page.get_by_label("ユーザメニュー").click()
    page.get_by_role("link", name="テナント設定").click()
    sound(page)

    page.get_by_label("利用しない").check()
    page.locator("#shortage_grace_days").fill("7")
    page.locator("#new_origin").fill("https://日本語.jp/")
    page.get_by_role("button", name="URLを追加").click()
    page.get_by_text("まだ保存されていません。").wait_for()
    expect(page.locator("#new_origin")).to_be_focused()
    expect(page.get_by_label("URL 1", exact=True)).to_have_value("https://xn--wgv71a119e.jp")
    sound(page)
    fill_new_link(page)
    page.get_by_role("button", name="リンクを追加").click()
    page.get_by_role("group", name="リンク 1", exact=True).wait_for()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("設定を保存します。よろしいでしょうか。").wait_for()
    press_ok(page)

    page.get_by_text("設定を保存しました。").wait_for()
    expect(page.get_by_label("利用しない")).to_be_checked()
    expect(page.locator("#shortage_grace_days")).to_have_value("7")
    expect(page.locator("#links-0-name")).to_have_value("ご利用ガイド")
    sound(page)
    page.get_by_role("button", name="URL 1を削除").click()
    page.get_by_text("URLは登録されていません。").wait_for()


@at_desk
def test_cancelling_the_dialog_saves_nothing(page, make, tenant):
    sign_in(page)
    page.goto("/tenant-settings/")
    page.locator("#shortage_grace_days").fill("7")
    page.get_by_role("button", name="保存").click()
    page.get_by_role("dialog").get_by_role("button", name="キャンセル").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    expect(page.locator("#shortage_grace_days")).to_have_value("20")


@at_desk
def test_faults_are_told_beside_their_fields(page, make, tenant, sound):
    make.portal_link(tenant=tenant)
    make.access_origin(tenant=tenant)
    sign_in(page)
    page.goto("/tenant-settings/")
    page.locator("#shortage_grace_days").fill("100")
    page.locator("#origins-0").fill("https://www.example.jp/shop")
    page.locator("#links-0-url").fill("javascript:alert(1)")
    page.get_by_role("button", name="保存").click()

    page.get_by_text("入力内容をご確認ください。").wait_for()
    sound(page)
    page.get_by_role("link", name="リンク 1：URL").click()
    expect(page.locator("#links-0-url")).to_be_focused()
    for field in ("shortage_grace_days", "origins-0", "links-0-url"):
        expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")


def tab_to(page, key: str, field: str) -> None:
    for _ in range(6):
        page.keyboard.press(key)
        if page.evaluate("document.activeElement.id") == field:
            return


@at_desk
def test_saving_by_keyboard_alone(page, tenant):
    sign_in(page)
    page.goto("/tenant-settings/")
    page.locator("#shortage_grace_days").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("8")
    tab_to(page, "Tab", "new_origin")
    page.keyboard.type("https://www.example.jp/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("まだ保存されていません。").wait_for()
    expect(page.locator("#new_origin")).to_be_focused()

    tab_to(page, "Shift+Tab", "shortage_grace_days")
    expect(page.locator("#shortage_grace_days")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_text("設定を保存します。よろしいでしょうか。").wait_for()
    page.keyboard.press("Enter")

    page.get_by_text("設定を保存しました。").wait_for()
    expect(page.locator("#shortage_grace_days")).to_have_value("8")
    expect(page.locator("#origins-0")).to_have_value("https://www.example.jp")


@at_desk
@pytest.mark.parametrize("script", ["early.js", "main.js", "question.js"])
def test_a_form_asks_however_late_a_script_comes(page, tenant, app, monkeypatch, script):
    """On a slow line somebody presses Enter before the scripts are there."""
    sign_in(page)
    serve, late = app.wsgi_app, []

    def slow_line(environ, start_response):
        if environ["PATH_INFO"].endswith(f"/{script}"):
            late.append(time.sleep(1))
        return serve(environ, start_response)

    monkeypatch.setattr(app, "wsgi_app", slow_line)
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto("/tenant-settings/", wait_until="commit")
    page.locator("#shortage_grace_days").focus()
    page.keyboard.press("Enter")

    page.get_by_text("設定を保存します。よろしいでしょうか。").wait_for()
    assert late


@at_desk
def test_the_longest_values_fit(page, make, tenant, sound):
    make.access_origin(tenant=tenant, origin="https://" + ".".join(["a" * 61] * 4))
    make.portal_link(tenant=tenant, name="名" * 100, url="https://www.example.jp/" + "u" * 1977, description="説" * 500)
    make.application_field(tenant=tenant, title="題" * 100, kind="choice", choices=["W" * 100, "長" * 100])
    make.application_field(tenant=tenant, title="終" * 100, retired_at="2026-11-01")
    make.portal_token(tenant=tenant, name="W" * 100)

    for email in ("operator@example.jp", "viewer@example.jp"):
        page.context.clear_cookies()
        sign_in(page, email)
        for path in ("/tenant-settings/", "/tenant-settings/tokens/"):
            page.goto(path)
            sound(page)


@at_desk
def test_nec_staff_keep_the_additional_items(page, make, tenant, sound):
    sign_in(page, "staff@example.jp")
    enter_tenant(page, tenant.id)
    make.application_field(tenant=tenant, title="題" * 100, kind="choice", choices=["W" * 100, "長" * 100], position=1)
    page.goto("/tenant-settings/")
    page.get_by_role("link", name="項目を編集").click()
    page.get_by_role("link", name="項目を追加").click()
    sound(page)
    page.get_by_label("項目名").fill("連絡方法")
    page.get_by_label("選択", exact=True).check()
    page.get_by_label("選択項目").fill("電話\nメール")
    page.get_by_role("button", name="追加").click()
    press_ok(page)
    page.get_by_text("項目を追加しました。").wait_for()
    sound(page)

    page.get_by_role("button", name="「連絡方法」を上へ移動").click()
    expect(page.locator("tbody tr").first).to_contain_text("連絡方法")
    page.get_by_role("button", name="「連絡方法」を使用終了").click()
    press_ok(page)
    page.get_by_role("heading", name="使用を終了した項目").wait_for()
    sound(page)


@at_desk
def test_a_token_is_issued_and_shown_once(page, tenant, sound):
    sign_in(page)
    page.goto("/tenant-settings/")
    page.get_by_role("link", name="APIトークン").click()
    sound(page)
    page.get_by_label("名前").fill("顧客ポータル")
    page.get_by_role("button", name="発行", exact=True).click()
    press_ok(page)

    page.get_by_text("トークンを発行しました。").wait_for()
    expect(page.locator("#new-token")).to_have_value(re.compile("^cst_"))
    sound(page)
    page.get_by_role("link", name="顧客ポータル を変更").click()
    sound(page)
    page.goto("/tenant-settings/tokens/")
    expect(page.locator("#new-token")).to_have_count(0)


def test_the_lists_work_without_javascript(chromium, live_url, tenant):
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    sign_in(page)
    page.goto("/tenant-settings/")
    page.locator("#shortage_grace_days").fill("9")
    page.locator("#new_origin").fill("https://a.example.jp")
    page.get_by_role("button", name="URLを追加").click()
    page.locator("#new_origin").fill("https://b.example.jp")
    page.get_by_role("button", name="URLを追加").click()
    page.get_by_role("button", name="URL 1を削除").click()
    page.get_by_role("button", name="保存").click()
    page.get_by_role("button", name="OK").click()

    page.get_by_text("設定を保存しました。").wait_for()
    expect(page.locator("#origins-0")).to_have_value("https://b.example.jp")
    expect(page.locator("#shortage_grace_days")).to_have_value("9")
    context.close()
