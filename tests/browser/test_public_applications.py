"""§8.2.1 and §8.3 in a browser: a company applies on a computer and on a phone, with and without JavaScript."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from models.mail.outbox import MailMessage
from models.tenants.settings import TenantSettings
from tests.factories.applications import APPLICANT, DELIVERY
from views.public_applications.links import invitation_url, utm_form_url

pytestmark = pytest.mark.browser
NEXT = "入力内容を確認"


@pytest.fixture
def tenant(make):
    """A tenant whose colour is hard to read on white."""
    tenant = make.tenant(name="サンプルパートナー")
    make.save(TenantSettings(tenant_id=tenant.id, colour="#ffee00", contact="03-1234-5678\n平日 9:00-17:00"))
    make.application_field(tenant=tenant, title="業種", kind="choice", choices=["製造", "小売"], required=True)
    make.application_field(tenant=tenant, title="従業員数")
    return tenant


@pytest.fixture
def path(app, tenant, make):
    """The path of the form of each kind."""
    customer = make.customer(tenant=tenant)
    with app.test_request_context():
        urls = {
            "service": invitation_url(tenant.id, 1),
            "utm": utm_form_url(tenant.id, customer.id, 1),
        }
    return {kind: urlsplit(url).path for kind, url in urls.items()}


def fill(page, values, prefix=""):
    for name, value in values.items():
        control = page.locator(f"#{prefix}{name}")
        if name == "prefecture":
            control.select_option(value)
        else:
            control.fill(str(value))


def go_on(page, name=NEXT):
    page.get_by_role("button", name=name).last.click()


def test_a_company_applies(page, path, sound, make):
    page.goto(path["service"])
    sound(page)
    assert page.evaluate("getComputedStyle(document.querySelector('.brand')).backgroundColor") == "rgb(255, 238, 0)"
    go_on(page)
    page.locator("#company-error").wait_for()
    sound(page)
    fill(page, APPLICANT)
    page.get_by_role("button", name="会社情報と同じ").click()
    expect(page.locator("#deliveries-0-company")).to_have_value(APPLICANT["company"])
    page.get_by_role("button", name="担当者と同じ").click()
    expect(page.locator("#users-0-email")).to_have_value(APPLICANT["email"])
    page.get_by_role("button", name="送付先を追加").click()
    expect(page.locator("#deliveries-1-company")).to_be_focused()
    fill(page, DELIVERY, "deliveries-1-")
    page.locator("#deliveries-1-postcode").fill("733-0001")
    page.get_by_role("button", name="郵便番号から住所を入力").last.click()
    expect(page.locator("#deliveries-1-prefecture")).to_have_value("広島県")
    page.get_by_label("業種").select_option("小売")
    page.get_by_label("同意する").check()
    sound(page)
    go_on(page)
    page.get_by_role("heading", name="サービス利用申請 - 入力内容の確認").wait_for()
    sound(page)
    go_on(page, "戻る")
    expect(page.locator("#deliveries-1-last_name")).to_have_value(DELIVERY["last_name"])
    expect(page.get_by_label("業種")).to_have_value("小売")
    go_on(page)
    go_on(page, "送信")
    page.get_by_role("heading", name="確認メールを送信しました").wait_for()
    sound(page)

    token = make.session.scalars(select(MailMessage.secret)).one()
    page.goto(f"/confirm-application/{token}")
    page.get_by_role("heading", name="申込み内容の確認").wait_for()
    sound(page)
    go_on(page, "申込みを確定する")
    page.get_by_role("heading", name="申込みを受け付けました").wait_for()
    sound(page)
    page.goto(f"/confirm-application/{token}")
    page.get_by_role("heading", name="申込みはすでに確定されています").wait_for()
    page.goto(f"{path['service']}x")
    page.get_by_role("heading", name="このURLは使用できません").wait_for()
    sound(page)


def test_a_customer_applies_for_more_utms_without_javascript(chromium, live_url, path, make):
    context = chromium.new_context(base_url=live_url, locale="ja-JP", java_script_enabled=False)
    page = context.new_page()
    page.goto(path["utm"])
    fill(page, {"applicant_name": "緑川 次郎", "applicant_email": "jiro@example.com"})
    page.get_by_role("button", name="送付先を追加").click()
    page.get_by_role("button", name="UTM送付先1を削除").click()
    (row,) = page.locator("[id$=-utm_count]").all()
    prefix = row.get_attribute("id").removesuffix("utm_count")
    fill(page, DELIVERY, prefix)
    go_on(page)
    go_on(page, "送信")
    page.get_by_role("heading", name="UTM追加申請を受け付けました").wait_for()
    expect(page.locator("main")).to_contain_text("UAP-")
    context.close()
