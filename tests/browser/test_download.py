"""ダウンロード of a customer with several UTMs: the dialog comes when it is asked for."""

from __future__ import annotations

import time
import zipfile

import pytest
from playwright.sync_api import expect

import views.alerts.alerts
from tests.browser.signing_in import sign_in
from tests.browser.test_journey import customer  # noqa: F401  (a fixture)
from tests.browser.windows import at_desk

pytestmark = pytest.mark.browser


@pytest.fixture
def utms(make, customer):  # noqa: F811
    return [make.utm(customer_row=customer, name=name) for name in ("本社", "支店", "倉庫")]


@at_desk
def test_the_choice_of_utms_comes_by_keyboard_and_is_what_the_file_has(page, customer, utms, sound):  # noqa: F811
    sign_in(page)
    page.goto(f"/customers/{customer.id}/alerts/")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="ダウンロード").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="UTMの選択")
    dialog.wait_for()
    sound(page)
    expect(dialog.get_by_label("全選択")).to_be_checked()
    dialog.get_by_label("全選択").uncheck()
    expect(dialog.get_by_role("button", name="完了")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="ダウンロード").click()
    dialog.get_by_label("支店").check()
    with page.expect_download() as expected:
        dialog.get_by_role("button", name="完了").click()

    with zipfile.ZipFile(expected.value.path()) as archive:
        assert len(archive.namelist()) == 1


@at_desk
def test_what_is_ticked_stays_so_while_more_is_searched_for(page, customer, make, sound):  # noqa: F811
    for number in range(101):
        make.utm(customer_row=customer, name=f"店舗{number:03}")
    make.utm(customer_row=customer, name="倉庫")
    sign_in(page)
    page.goto(f"/customers/{customer.id}/alerts/")
    page.get_by_role("button", name="ダウンロード").click()
    dialog = page.get_by_role("dialog", name="UTMの選択")
    expect(dialog.get_by_role("button", name="完了")).to_be_disabled()
    dialog.get_by_label("店舗050").check()

    dialog.get_by_role("searchbox").fill("倉庫")
    page.keyboard.press("Enter")

    expect(dialog.locator(".form-check-label")).to_have_text(["全選択", "店舗050", "倉庫"])
    expect(dialog.get_by_label("店舗050")).to_be_checked()
    sound(page)
    dialog.get_by_label("倉庫").check()
    with page.expect_download() as expected:
        dialog.get_by_role("button", name="完了").click()
    with zipfile.ZipFile(expected.value.path()) as archive:
        assert len(archive.namelist()) == 2


WATCH = """
(() => {
  const note = document.getElementById("download-note");
  window.changes = [];
  new MutationObserver(() => changes.push([note.hidden, performance.now()])).observe(note, { attributes: true });
})()
"""


@at_desk
def test_the_note_that_a_file_is_made_goes_when_it_comes(page, customer, make, monkeypatch):  # noqa: F811
    make.utm(customer_row=customer, name="本社")
    made = views.alerts.alerts.archive
    monkeypatch.setattr(views.alerts.alerts, "archive", lambda *args: time.sleep(1.5) or made(*args))
    sign_in(page)
    page.goto(f"/customers/{customer.id}/alerts/")
    page.evaluate(WATCH)

    for _ in range(2):
        page.evaluate("changes.length = 0")
        with page.expect_download():
            page.get_by_role("button", name="ダウンロード").click()
        expect(page.locator("#download-note")).to_be_hidden()
        (shown, since), (hidden, until) = page.evaluate("changes")
        assert (shown, hidden) == (False, True)
        assert 1_500 <= until - since < 5_000


def test_without_javascript_the_page_comes_back_with_the_dialog(chromium, live_url, customer, utms):  # noqa: F811
    page = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP").new_page()
    sign_in(page)
    page.goto(f"/customers/{customer.id}/alerts/")

    page.get_by_role("button", name="ダウンロード").click()

    expect(page.get_by_role("dialog", name="UTMの選択").get_by_label("支店")).to_be_checked()
    page.get_by_role("link", name="キャンセル").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.context.close()
