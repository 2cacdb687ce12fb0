"""UTM再起動 by keyboard: its dialogs, what they say of errors, and 状態確認 (§7.12.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from models import clock
from models.utms.reboot import Reboot
from tests.browser.signing_in import sign_in
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


def states(make) -> list[str]:
    make.session.rollback()
    return sorted(make.session.scalars(select(Reboot.state)))


def test_utms_are_rebooted_in_dialogs(page, make, sound, fits):
    tenant = make.tenant()
    operator = make.member(tenant, "Partner Operator", password=weak_hash())
    customer, utm = make.customer_with_utm(tenant, name="本社", last_seen_at=clock.utc_now())
    make.utm(customer_row=customer, name="支店")
    sign_in(page, operator.email)
    _one(page, make, utm, sound, fits)
    _several(page, make, sound, fits)


def _one(page, make, utm, sound, fits) -> None:
    page.goto(f"/customers/{utm.customer_id}/security")
    sound(page)
    fits(page)

    button = page.get_by_role("link", name="本社を再起動")
    button.press("Enter")
    menu = page.get_by_role("dialog", name="UTM再起動")
    menu.wait_for()
    sound(page)
    expect(menu.get_by_label("日付")).to_be_hidden()
    expect(menu.get_by_label("再起動予定を取り消す")).to_be_disabled()
    page.keyboard.press("Escape")
    menu.wait_for(state="detached")
    expect(button).to_be_focused()

    button.press("Enter")
    menu.get_by_label("日時指定で再起動").check()
    menu.get_by_label("日付").fill((clock.tokyo_day(clock.utc_now()) + timedelta(days=91)).isoformat())
    menu.get_by_role("button", name="選択").press("Enter")
    menu.get_by_role("link", name="日付").wait_for()
    expect(menu).to_contain_text("90日以内の日時を選択してください。")
    sound(page)
    menu.get_by_label("今すぐ再起動").check()
    menu.get_by_role("button", name="選択").press("Enter")
    question = page.locator("#question").filter(has_text="今すぐ再起動します: 本社")
    question.wait_for()
    sound(page)
    assert states(make) == []
    question.get_by_role("button", name="OK").press("Enter")
    page.get_by_text(f"UTMに再起動を要求しました。(UTM ID : {utm.utm_id})").wait_for()
    assert states(make) == ["requested"]

    page.get_by_role("link", name="本社の再起動の状態確認").press("Enter")
    answer = page.get_by_role("dialog", name="再起動の状態確認")
    answer.get_by_text("再起動要求中です。").wait_for()
    answer.get_by_role("link", name="閉じる").click()


def _several(page, make, sound, fits) -> None:
    page.goto("/utms/")
    fits(page)
    menu = page.get_by_role("dialog", name="UTM再起動")
    page.get_by_label("この行を選択").last.check()
    page.get_by_label("この行を選択").first.check()
    page.get_by_role("button", name="再起動", exact=True).press("Enter")
    menu.get_by_label("日時指定で再起動").check()
    menu.get_by_label("UTMごとの間隔").fill("1")
    sound(page)
    menu.get_by_role("button", name="選択").click()
    page.get_by_text("対象外: 支店").wait_for()
    question = page.locator("#question")
    question.get_by_role("button", name="OK").click()
    page.get_by_text("1台の再起動予定を登録しました。").wait_for()
    assert states(make) == ["requested", "scheduled"]
    page.goto("/reboots/")
    sound(page)
    fits(page)
