"""Leaving a form with changes that were not saved, and a form that was sent after the session had ended."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


@pytest.fixture
def tenant(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.confirmed_address(tenant)
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    return tenant


@pytest.fixture
def warnings(page) -> list[str]:
    """The kinds of the dialogs that the browser showed; each is answered with staying on the page."""
    seen: list[str] = []

    def stay(dialog) -> None:
        seen.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    return seen


def leave(page) -> None:
    """Try to go to another page, as a link does."""
    page.evaluate("location.assign('/')")
    page.wait_for_timeout(300)


@at_desk
def test_rows_added_to_the_tenant_settings_are_not_left_without_a_warning(page, tenant, warnings):
    sign_in(page, "operator@example.jp")
    page.goto("/tenant-settings/")
    page.locator("#new_origin").fill("https://www.example.jp")
    page.get_by_role("button", name="URLを追加").click()
    expect(page.locator("#origins-0")).to_have_value("https://www.example.jp")

    assert warnings == []
    leave(page)
    assert warnings == ["beforeunload"]

    page.get_by_role("button", name="保存").click()
    page.get_by_role("dialog").get_by_role("button", name="キャンセル").click()
    leave(page)
    assert warnings == ["beforeunload"] * 2

    page.get_by_role("button", name="保存").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    expect(page.get_by_text("設定を保存しました。")).to_be_visible()
    leave(page)
    assert warnings == ["beforeunload"] * 2


@at_desk
def test_a_mail_template_is_not_left_without_a_warning_nor_is_its_preview(page, tenant, warnings):
    sign_in(page, "operator@example.jp")
    page.goto("/mail-templates/application_confirm/edit")
    page.get_by_label("件名").fill("新しい件名")
    leave(page)
    page.get_by_role("button", name="確認").click()
    expect(page.get_by_role("heading", name="メールテンプレート確認")).to_be_visible()
    leave(page)
    assert warnings == ["beforeunload"] * 2

    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("メールテンプレートを保存しました。")).to_be_visible()
    assert warnings == ["beforeunload"] * 2


@at_desk
def test_no_form_of_several_steps_is_left_without_a_warning(page, make, tenant, warnings):
    ticket = make.ticket(tenant=tenant)
    sign_in(page, "operator@example.jp")
    for number, (url, field) in enumerate(
        (
            ("/tickets/create", "#title"),
            (f"/tickets/{ticket.id}/update", "#body"),
            ("/customers/import/utms", "#lines"),
        ),
        start=1,
    ):
        page.goto(url)
        page.locator(field).fill("入力した内容")
        leave(page)
        assert warnings == ["beforeunload"] * number, url
        page.locator(field).fill("")

    page.goto("/dashboard-settings/")
    page.get_by_role("checkbox").first.click()
    leave(page)
    assert warnings == ["beforeunload"] * 4


@at_desk
def test_a_form_whose_first_values_were_restored_is_left_without_a_warning(page, make, tenant, warnings):
    customer = make.customer(tenant=tenant, name="青空商店", prefecture="東京都")
    sign_in(page, "operator@example.jp")
    page.goto(f"/customers/{customer.id}/edit")
    name, prefecture = page.get_by_label("会社名"), page.get_by_label("都道府県")
    name.fill("青空商会")
    name.fill("青空商店")
    prefecture.select_option("大阪府")
    leave(page)
    assert warnings == ["beforeunload"]

    prefecture.select_option("東京都")
    leave(page)
    expect(page).to_have_url(re.compile("/$"))
    assert warnings == ["beforeunload"]


@at_desk
def test_the_dialog_before_something_is_deleted_begins_on_cancel(page, make, tenant):
    customer = make.customer(tenant=tenant, created_at="2020-01-01T00:00:00Z")
    sign_in(page, "operator@example.jp")
    page.goto(f"/customers/{customer.id}")
    page.get_by_role("button", name="削除").click()

    expect(page.get_by_role("dialog").get_by_role("button", name="キャンセル")).to_be_focused()


@pytest.mark.parametrize("page", ["desk", "phone"], indirect=True)
def test_a_form_sent_after_the_session_ended_comes_back_with_a_notice(page, tenant, sound, warnings):
    sign_in(page, "operator@example.jp")
    page.goto("/customers/add")
    page.get_by_label("会社名").fill("青空商店")
    page.context.clear_cookies()
    page.locator("form[data-validated] .btn-primary").click()
    expect(page.get_by_text("15分以内にログインすると")).to_be_visible()
    sound(page)

    page.get_by_label("メールアドレス").fill("operator@example.jp")
    page.get_by_label("パスワード").fill(PASSWORD)
    page.get_by_role("button", name="ログイン").click()

    expect(page.get_by_text("入力内容を復元しました。")).to_be_visible()
    expect(page.get_by_label("会社名")).to_have_value("青空商店")
    sound(page)
    leave(page)
    assert warnings == ["beforeunload"]
