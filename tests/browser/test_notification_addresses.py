"""§5.4.2 in a browser: a new address is typed twice, mailed a link, and confirmed by the page behind it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from models.mail.outbox import MailMessage
from models.notifications import address as notification_address
from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
SETTINGS = "/notification-addresses/"


@pytest.fixture
def tenant(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    make.member(tenant, "Partner Viewer", email="viewer@example.jp", password=weak_hash())
    return tenant


@pytest.fixture
def settled(make, tenant):
    """With an address in force."""
    make.confirmed_address(tenant, "old@example.jp")
    return tenant


@pytest.fixture
def in_force(tenant, in_tenant):
    def look() -> list[str]:
        with in_tenant(tenant.id) as session:
            return notification_address.in_force(session, tenant.id)

    return look


@pytest.fixture
def link(make):
    """The path of the link in the newest mail to an address."""

    def of(address: str) -> str:
        mails = select(MailMessage).where(MailMessage.recipient == address).order_by(MailMessage.id.desc()).limit(1)
        return f"/confirm-address/{make.session.scalars(mails).one().secret}"

    return of


def save(page):
    page.get_by_role("button", name="保存").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()


@at_desk
def test_an_address_is_typed_twice_mailed_and_confirmed_by_opening_its_link(
    page, settled, sound, in_force, link, chromium, live_url
):
    sign_in(page)
    page.goto(SETTINGS)
    sound(page)
    expect(page.get_by_label("メールアドレス確認", exact=False)).to_be_hidden()
    page.locator("#address1").fill("new@example.jp")
    expect(page.get_by_label("メールアドレス確認", exact=False)).to_be_visible()
    page.locator("#again1").fill("nwe@example.jp")
    page.get_by_role("button", name="保存").click()
    page.locator("#again1-error").get_by_text("メールアドレスが一致していません。").wait_for()
    sound(page)
    page.locator("#again1").fill("new@example.jp")
    save(page)
    page.get_by_text("通知メールアドレス(new@example.jp)へ確認メールを送信しました。").wait_for()
    sound(page)
    assert in_force() == ["old@example.jp"]

    mailbox = chromium.new_context(base_url=live_url, locale="ja-JP").new_page()
    mailbox.goto(link("new@example.jp"))
    mailbox.get_by_role("heading", name="登録が完了しました").wait_for()
    sound(mailbox)
    assert in_force() == ["new@example.jp"]
    mailbox.goto(link("new@example.jp"))
    mailbox.get_by_role("heading", name="すでに確認済みです").wait_for()
    sound(mailbox)
    mailbox.goto("/confirm-address/invented")
    mailbox.get_by_role("heading", name="このURLは使用できません").wait_for()
    sound(mailbox)
    mailbox.context.close()


@at_desk
def test_the_second_field_follows_what_is_typed(page, settled):
    sign_in(page)
    page.goto(SETTINGS)
    again = page.locator("#again2")
    for typed, visible in (("two@example.jp", True), ("", False), ("x", True), (" ", False)):
        page.locator("#address2").fill(typed)
        expect(again).to_be_visible(visible=visible)


@at_desk
def test_what_waits_is_sent_again_and_withdrawn(page, settled, sound, link):
    long = "a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".jpn"
    sign_in(page)
    page.goto(SETTINGS)
    page.locator("#address3").fill(long)
    page.locator("#again3").fill(long)
    save(page)
    page.get_by_role("heading", name="確認待ちのメールアドレス").wait_for()
    sound(page)
    before = link(long)

    page.get_by_role("button", name=f"{long} へ再送").click()
    sound(page)
    with page.expect_navigation():  # the page before says the same
        page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text(f"通知メールアドレス({long})へ確認メールを送信しました。").wait_for()
    assert link(long) != before
    page.get_by_role("button", name=f"{long} への変更を取消").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text(f"{long} への変更を取り消しました。").wait_for()
    expect(page.get_by_role("heading", name="確認待ちのメールアドレス")).to_have_count(0)
    page.goto(before)
    page.get_by_role("heading", name="このURLは無効になりました").wait_for()
    sound(page)


@at_desk
def test_the_dashboard_opens_a_dialog_once_and_it_is_left_by_keyboard(page, tenant, sound):
    sign_in(page)
    page.goto("/")
    dialog = page.get_by_role("dialog", name="通知先メールアドレスをご確認ください。")
    expect(dialog).to_be_visible()
    sound(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    sound(page)
    page.reload()
    page.get_by_text("通知先メールアドレスが設定されていません。").wait_for()
    expect(dialog).to_be_hidden()

    page.get_by_role("main").get_by_role("link", name="メールアドレス設定").click()
    page.get_by_role("heading", name="通知先メールアドレス", level=1).wait_for()


@at_desk
def test_a_viewer_looks(page, settled, sound):
    sign_in(page, "viewer@example.jp")
    page.goto(SETTINGS)
    page.get_by_text("old@example.jp").wait_for()
    expect(page.get_by_role("button", name="保存")).to_have_count(0)
    sound(page)


@at_desk
def test_the_way_by_keyboard_alone(page, settled, in_force):
    sign_in(page)
    page.goto(SETTINGS)
    page.locator("#address2").focus()
    page.keyboard.type("two@example.jp")
    page.keyboard.press("Tab")
    page.keyboard.type("two@example.jp")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Enter")

    page.get_by_text("通知メールアドレス(two@example.jp)へ確認メールを送信しました。").wait_for()


def test_without_javascript_the_server_asks_again_and_the_page_has_a_button(
    chromium, live_url, settled, in_force, link
):
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    sign_in(page)
    page.goto(SETTINGS)
    page.locator("#address1").fill("new@example.jp")
    expect(page.locator("#again1")).to_be_hidden()
    page.get_by_role("button", name="保存").click()
    page.locator("#again1-error").get_by_text("もう一度入力してください。").wait_for()
    page.locator("#again1").fill("new@example.jp")
    page.get_by_role("button", name="保存").click()
    page.get_by_role("button", name="OK").click()
    page.get_by_text("通知メールアドレス(new@example.jp)へ確認メールを送信しました。").wait_for()

    page.goto(link("new@example.jp"))
    page.get_by_role("heading", name="メールアドレスの登録確認").wait_for()
    assert in_force() == ["old@example.jp"]
    page.get_by_role("button", name="登録を完了する").click()
    page.get_by_role("heading", name="登録が完了しました").wait_for()
    assert in_force() == ["new@example.jp"]
    context.close()


def test_without_javascript_the_dashboard_has_a_notice_and_no_dialog(chromium, live_url, tenant):
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    sign_in(page)
    page.goto("/")

    expect(page.get_by_text("通知先メールアドレスが設定されていません。").first).to_be_visible()
    expect(page.locator("dialog").first).to_be_hidden()
    context.close()
