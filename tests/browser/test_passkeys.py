"""パスキー in a real browser: made, used after the password, and used alone, with Chromium's virtual authenticator."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from models.accounts.passkey import Passkey
from tests.browser.windows import at_desk
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


@pytest.fixture
def member(make):
    tenant = make.tenant(passkey_sign_in=True)
    make.confirmed_address(tenant)
    return make.member(tenant, "Partner Operator", email="one@example.jp", password=weak_hash())


def give_authenticator(page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})


def enter_password(page, url) -> None:
    page.goto(f"{url}/login/")
    page.get_by_label("メールアドレス").fill("one@example.jp")
    page.get_by_label("パスワード").fill(PASSWORD)
    page.get_by_role("button", name="ログイン", exact=True).click()


def sign_out(page) -> None:
    page.get_by_label("ユーザメニュー").click()
    page.get_by_role("button", name="ログアウト").click()
    page.get_by_text("ログアウトしました。").wait_for()


@at_desk
def test_a_passkey_is_made_and_signs_in_after_the_password_and_alone(
    app, page, live_url, make, member, sound, monkeypatch
):
    # An address of numbers is no site for passkeys.
    url = live_url.replace("127.0.0.1", "localhost")
    monkeypatch.setitem(app.config, "PORTAL_URL", url)
    give_authenticator(page)
    enter_password(page, url)
    page.get_by_label("ユーザメニュー").click()
    page.get_by_role("link", name="二要素認証").click()
    sound(page)
    page.get_by_role("link", name="設定する").click()
    page.get_by_role("img", name="QRコード").wait_for()
    sound(page)
    page.get_by_role("link", name="キャンセル").click()
    page.get_by_role("link", name="パスキーを追加").click()
    sound(page)
    page.get_by_label("名前").fill("仕事用PC")
    page.get_by_label("現在のパスワード").fill(PASSWORD)
    page.get_by_role("button", name="追加").click()
    page.get_by_text("パスキーを追加しました。").wait_for()
    expect(page.locator(".recovery-codes code")).to_have_count(10)
    sound(page)
    sign_out(page)

    enter_password(page, url)
    page.get_by_label("認証コード").wait_for()
    sound(page)
    page.get_by_role("button", name="パスキーを使用").click()
    page.locator("#main.page-body").wait_for()
    sign_out(page)
    sound(page)
    page.get_by_role("button", name="パスキーでログイン").click()
    page.locator("#main.page-body").wait_for()

    assert make.session.query(Passkey.sign_count).scalar() >= 2
