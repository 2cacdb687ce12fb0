"""メールテンプレート設定 (§5.4.3) in a browser: changing, going back, copying; by keyboard and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from models.actor import Actor
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import KINDS, MailText
from tests.browser.signing_in import enter_tenant, sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
EDIT = "/mail-templates/password_reset_mail/edit"
BY = Actor("hanako@example.jp")


@pytest.fixture
def tenant(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    return tenant


@pytest.fixture
def four(make, tenant):
    """The tenant, and three more in which the operator of all may write."""
    user = make.member(tenant, "Partner Operator", email="multi@example.jp", password=weak_hash())
    others = [make.tenant(name=name) for name in ("写し先一", "写し先二", "写し先三")]
    for other in others:
        make.join(user, other, "Partner Operator")
    return [tenant, *others]


def save(in_tenant, tenant, subject: str, body: str, *, kind="password_reset_mail", version=0) -> None:
    with in_tenant(tenant.id) as session:
        new = MailText(subject, body)
        mail_template_rules.save(session, tenant.id, KINDS[kind], new, version=version, by=BY)
        session.commit()


def enter(page, tenant) -> None:
    sign_in(page, "multi@example.jp")
    enter_tenant(page, tenant.id)


def tab_to(page, target, *, most=80) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        if target.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {target}.")


@at_desk
def test_a_template_is_changed_by_keyboard_alone(page, tenant, sound):
    sign_in(page)
    page.goto("/mail-templates/")
    sound(page)
    tab_to(page, page.get_by_role("link", name="パスワードリセット(Eメール) を変更"))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="メールテンプレート変更", level=1).wait_for()
    sound(page)

    tab_to(page, page.get_by_label("件名"))
    page.keyboard.press("Home")
    tab_to(page, page.get_by_role("button", name="{{TenantName}} を挿入"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("件名")).to_be_focused()
    page.keyboard.type("から")
    tab_to(page, page.get_by_label("本文"))
    page.keyboard.press("Control+a")
    page.keyboard.type("様")
    page.keyboard.press("Home")
    tab_to(page, page.get_by_role("button", name="{{Name}} を挿入"))
    page.keyboard.press("Space")
    expect(page.get_by_label("本文")).to_be_focused()
    page.keyboard.type(" ")
    typed = (page.get_by_label("件名").input_value(), page.get_by_label("本文").input_value())
    assert typed[0].startswith("{{TenantName}}から【見守りサービス】")
    assert typed[1] == "{{Name}} 様"

    tab_to(page, page.get_by_role("button", name="確認"))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="メールテンプレート確認", level=1).wait_for()
    sound(page)
    expect(page.get_by_text("見本 太郎 様")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="戻る"))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="メールテンプレート変更", level=1).wait_for()
    expect(page.get_by_label("件名")).to_have_value(typed[0])
    expect(page.get_by_label("本文")).to_have_value(typed[1])

    tab_to(page, page.get_by_role("button", name="確認"))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="メールテンプレート確認", level=1).wait_for()
    tab_to(page, page.get_by_role("button", name="保存"))
    page.keyboard.press("Enter")
    page.get_by_text("メールテンプレートを保存しました。").wait_for()
    expect(page.get_by_text("カスタム")).to_have_count(1)
    sound(page)


@at_desk
def test_a_template_goes_back_to_its_default_by_keyboard_alone(page, tenant, in_tenant, sound):
    save(in_tenant, tenant, "自社の件名", "自社の本文")
    sign_in(page)
    page.goto("/mail-templates/")

    tab_to(page, page.locator("summary[aria-label='パスワードリセット(Eメール) のその他の操作']"))
    page.keyboard.press("Enter")
    sound(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    sound(page)
    expect(page.get_by_role("dialog").get_by_role("button", name="キャンセル")).to_be_focused()
    tab_to(page, page.get_by_role("dialog").get_by_role("button", name="OK"))
    page.keyboard.press("Enter")

    page.get_by_text("メールテンプレートをデフォルトに戻しました。").wait_for()
    expect(page.get_by_text("カスタム")).to_have_count(0)


@at_desk
def test_faults_are_told_beside_the_field_and_nothing_typed_is_lost(page, tenant, sound):
    sign_in(page)
    page.goto(EDIT)
    page.get_by_label("本文").fill("一行目\n{{Nmae}} 様\n{{Url")
    page.get_by_role("button", name="確認").click()

    page.get_by_text("2行目: {{Nmae}} は差し込み文字ではありません。{{Name}} の誤りではありませんか。").first.wait_for()

    expect(page.get_by_label("本文")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("本文")).to_have_value("一行目\n{{Nmae}} 様\n{{Url")
    sound(page)


@at_desk
def test_of_two_people_the_second_is_shown_both_texts(page, tenant, in_tenant, sound):
    sign_in(page)
    page.goto(EDIT)
    page.get_by_label("本文").fill("後から")
    page.get_by_role("button", name="確認").click()
    save(in_tenant, tenant, "先に保存した件名", "先に\n保存した本文")
    page.get_by_role("button", name="保存").click()

    page.get_by_text("編集中に、他の人がこのテンプレートを変更しました。").wait_for()

    expect(page.get_by_role("cell", name="先に 保存した本文")).to_be_visible()
    expect(page.get_by_label("本文")).to_have_value("後から")
    sound(page)


@at_desk
def test_an_older_version_is_looked_at_and_brought_back(page, tenant, in_tenant, sound):
    save(in_tenant, tenant, "一番目", "一番目の本文")
    save(in_tenant, tenant, "二番目", "二番目の本文", version=1)
    sign_in(page)
    page.goto("/mail-templates/password_reset_mail")
    sound(page)

    page.get_by_role("link", name="変更履歴").click()
    page.get_by_role("link", name="バージョン1").wait_for()
    sound(page)
    page.get_by_role("link", name="バージョン1").click()
    page.get_by_text("一番目の本文").first.wait_for()
    sound(page)
    page.get_by_role("button", name="復元").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()

    page.get_by_text("バージョンを復元しました。").wait_for()


@at_desk
def test_templates_are_copied_by_keyboard_alone(page, four, in_tenant, make, sound):
    save(in_tenant, four[0], "自社の件名", "自社の本文")
    enter(page, four[0])
    page.goto("/mail-templates/")
    tab_to(page, page.get_by_role("link", name="メールテンプレートコピー"))
    page.keyboard.press("Enter")
    following = page.get_by_role("button", name="次へ")
    expect(following).to_be_disabled()
    sound(page)

    tab_to(page, page.get_by_role("button", name="全選択"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="クリア")).to_be_focused()
    tab_to(page, page.get_by_label("写し先三"))
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="全選択")).to_be_visible()
    tab_to(page, following)
    page.keyboard.press("Enter")
    page.get_by_text("コピー先テナント（2件）").wait_for()
    sound(page)
    tab_to(page, page.get_by_label("パスワードリセット(Eメール)"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="戻る"))
    page.keyboard.press("Enter")
    page.get_by_text("コピー先テナントの選択（1/2）").wait_for()
    expect(page.get_by_label("写し先一")).to_be_checked()
    expect(page.get_by_label("写し先三")).not_to_be_checked()
    tab_to(page, following)
    page.keyboard.press("Enter")
    expect(page.get_by_label("パスワードリセット(Eメール)")).to_be_checked()
    tab_to(page, page.get_by_role("button", name="コピー", exact=True))
    page.keyboard.press("Enter")

    page.get_by_text("メールテンプレートをコピーしました。").wait_for()
    sound(page)


def test_changing_and_copying_work_without_javascript(chromium, live_url, four):
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    enter(page, four[0])

    page.goto(EDIT)
    expect(page.get_by_text("{{TenantName}}", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="挿入")).to_have_count(0)
    page.get_by_label("件名").fill("新しい件名")
    page.get_by_role("button", name="確認").click()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("メールテンプレートを保存しました。").wait_for()
    page.get_by_role("link", name="メールテンプレートコピー").click()
    page.get_by_role("button", name="全選択").click()
    expect(page.get_by_label("写し先三")).to_be_checked()
    page.get_by_role("button", name="次へ").click()
    page.get_by_label("パスワードリセット(Eメール)").check()
    page.get_by_role("button", name="コピー", exact=True).click()

    page.get_by_text("メールテンプレートをコピーしました。").wait_for()
    context.close()


@at_desk
def test_the_longest_texts_fit_every_screen(page, make, in_tenant, sound):
    tenant = make.tenant(name="長" * 100)
    user = make.member(tenant, "Partner Operator", email="multi@example.jp", password=weak_hash())
    for _ in range(20):
        make.join(user, make.tenant(name="W" * 100), "Partner Operator")
    save(in_tenant, tenant, "W" * 255, "W" * 5_000 + "\n" + "本" * 4_999)
    enter(page, tenant)

    for path in ("", "password_reset_mail", "password_reset_mail/edit", "password_reset_mail/versions/", "copy"):
        page.goto(f"/mail-templates/{path}")
        sound(page)
    page.get_by_role("button", name="全選択").click()
    page.get_by_role("button", name="次へ").click()
    page.get_by_text("コピー先テナント（20件）").wait_for()
    sound(page)
