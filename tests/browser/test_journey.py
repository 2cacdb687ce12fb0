"""The first journey: a partner operator signs in, registers a UTM, and finds its alerts."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.shipper import command
from tests.browser.signing_in import sign_in, sign_in_by_form
from tests.browser.windows import at_desk
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
SAMPLE = Path(__file__).parents[2] / "samples" / "wrccdc-2017.alerts.json"


@pytest.fixture
def customer(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.confirmed_address(tenant)
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    customer = make.customer(tenant=tenant, name="株式会社あおぞら製作所")
    make.contract(customer_row=customer)
    return customer


def fill_in_utm(page) -> None:
    """Fill in the form of §7.8."""
    page.get_by_label("UTM ID").fill("a1b2c3d4e5f6")
    page.get_by_label("UTM名").fill("本社ゲートウェイ")
    page.get_by_label("製造番号").fill("SERIALNUMBER11111")
    page.get_by_label("郵便番号").fill("733-0001")
    page.get_by_label("住所").fill("広島県広島市西区大芝一丁目1番1号")
    page.get_by_label("配送状況").fill("受領済")
    page.locator("#customer_email1").fill("customer@example.com")


def register_utm(page) -> str:
    """Register a UTM on the page of §7.8 and read its token off the next one."""
    fill_in_utm(page)
    page.get_by_role("button", name="登録").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("UTM情報を登録しました。").wait_for()
    return page.locator("#new-token").input_value()


def test_an_operator_registers_a_utm_and_takes_its_alerts_home(page, live_url, customer, sound, tmp_path, monkeypatch):
    monkeypatch.setenv("PORTAL_INSTANCE", str(tmp_path))
    page.goto("/")
    sound(page)
    sign_in_by_form(page, "operator@example.jp")
    sound(page)

    page.goto("/customers/")
    sound(page)
    page.get_by_role("link", name=customer.id).click()
    sound(page)
    page.get_by_role("link", name="セキュリティサービス").click()
    page.get_by_text("UTM未登録").first.wait_for()
    sound(page)
    page.get_by_role("link", name="作成").first.click()
    sound(page)
    token = register_utm(page)
    sound(page)

    shipped = command.utm.main(
        [
            "ship",
            "--format",
            "suricata",
            "--file",
            str(SAMPLE),
            "--shift-to",
            "now",
            "--url",
            live_url,
            "--token",
            token,
        ],
        standalone_mode=False,
    )
    assert shipped in {None, 0}

    page.reload()
    page.get_by_text("ご利用の環境で問題がみつかりました").wait_for()
    expect(page.locator("#new-token")).to_have_count(0)
    page.get_by_role("link", name="a1b2c3d4e5f6").click()
    sound(page)
    page.go_back()
    page.get_by_role("link", name="詳細を確認").click()
    page.get_by_text("161件").wait_for()
    sound(page)
    page.locator(".row-toggle").first.click()
    page.locator("tr.detail").first.get_by_text("送信元IPアドレス").wait_for()
    sound(page)
    page.get_by_label("セキュリティ機能").select_option(label="Webガード")
    page.get_by_role("button", name="検索").click()
    page.get_by_text("7件", exact=True).wait_for()

    with page.expect_download() as expected:
        page.get_by_role("button", name="ダウンロード", exact=True).click()
    with zipfile.ZipFile(expected.value.path()) as archive:
        (name,) = archive.namelist()
        rows = list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
    assert expected.value.suggested_filename.startswith("alerts_a1b2c3d4e5f6_")
    assert len(rows) == 161
    assert {row["device_name"] for row in rows} == {"本社ゲートウェイ"}
    assert {row["type"] for row in rows} == {"IPS", "アプリケーションガード", "Webガード"}


@at_desk
def test_problems_are_the_high_ones_and_sort_by_each_column(page, make, customer, engine, sound):
    from datetime import timedelta

    from sqlalchemy.orm import Session

    from models import clock
    from models.alerts import ingest as alert_ingest
    from tests.support.alerts import lines

    utm = make.utm(customer_row=customer, name="本社")
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": customer.tenant_id}) as session:
        sender = alert_ingest.Sender(customer.tenant_id, customer.id, utm.id)
        for level, count in (("high", 3), ("low", 60)):
            found = lines(count, at=now - timedelta(hours=count), alert_severity=level, msg="走査の試み")
            alert_ingest.store(session, sender, found, now=now, retention_months=13)
        session.commit()
    sign_in(page)

    page.goto(f"/customers/{customer.id}/security")
    page.get_by_role("link", name="問題を確認").click()
    page.get_by_text("3件", exact=True).wait_for()
    sound(page)
    page.get_by_role("link", name="詳細を確認").click()
    page.get_by_text("63件").wait_for()
    page.get_by_role("link", name="次へ").click()
    expect(page.locator(".row-toggle")).to_have_count(13)
    page.get_by_role("link", name="前へ").click()
    expect(page.locator(".row-toggle")).to_have_count(50)


@at_desk
def test_faults_are_told_beside_their_fields(page, customer, sound):
    sign_in(page)
    page.goto(f"/customers/{customer.id}/utms/add")
    page.get_by_label("UTM ID").fill("xyz")
    page.get_by_role("button", name="登録").click()

    page.get_by_text("入力内容をご確認ください。").wait_for()

    expect(page.locator("#utm_id")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#utm_id")).to_have_value("xyz")
    sound(page)


@at_desk
def test_cancelling_the_dialog_registers_nothing(page, make, customer):
    sign_in(page)
    page.goto(f"/customers/{customer.id}/utms/add")
    fill_in_utm(page)
    page.get_by_role("button", name="登録").click()
    page.get_by_role("dialog").get_by_role("button", name="キャンセル").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(re.compile("/utms/add$"))


@at_desk
def test_the_longest_names_fit_every_screen(page, make, sound):
    tenant = make.tenant(name="長" * 100)
    make.confirmed_address(tenant)
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash(), last_name="長" * 60)
    customer = make.customer(
        tenant=tenant,
        name="W" * 40,
        memo1="あ" * 255,
        memo2="長" * 255,
        address="番" * 100,
        contact_email="a" * 242 + "@example.com",
    )
    make.contract(customer_row=customer)
    utm = make.utm(customer_row=customer, name="W" * 50, address="号" * 104, delivery_status="状" * 104)
    sign_in(page)

    for path in (
        "/",
        "/customers/",
        f"/customers/{customer.id}",
        f"/customers/{customer.id}/security",
        f"/customers/{customer.id}/utms/{utm.id}",
        f"/customers/{customer.id}/utms/add",
        f"/customers/{customer.id}/alerts/",
    ):
        page.goto(path)
        sound(page)


@at_desk
def test_the_way_by_keyboard_alone(page, customer):
    page.goto("/")
    page.keyboard.type("operator@example.jp")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="ダッシュボード", level=1).wait_for()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="本文へ移動")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_signing_in_and_opening_a_row_work_without_javascript(chromium, live_url, make, customer, engine):
    from sqlalchemy.orm import Session

    from models import clock
    from models.alerts import ingest as alert_ingest
    from tests.support.alerts import lines

    utm = make.utm(customer_row=customer)
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": customer.tenant_id}) as session:
        sender = alert_ingest.Sender(customer.tenant_id, customer.id, utm.id)
        alert_ingest.store(session, sender, lines(2, at=now, msg="走査の試み"), now=now, retention_months=13)
        session.commit()
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    sign_in_by_form(page, "operator@example.jp")

    page.goto(f"/customers/{customer.id}/alerts/")
    page.locator(".row-toggle").first.click()

    expect(page.get_by_text("走査の試み").first).to_be_visible()
    context.close()


@at_desk
def test_error_pages_and_tenant_selection(page, make, customer, sound):
    user = make.member(make.tenant(name="もう一つ"), "Partner Viewer", email="two@example.jp", password=weak_hash())
    make.join(user, make.tenant(name="さらに一つ"), "Partner Operator")
    page.goto("/")
    page.get_by_label("メールアドレス").fill("two@example.jp")
    page.get_by_label("パスワード").fill(PASSWORD)
    page.get_by_role("button", name="ログイン").click()

    page.get_by_role("heading", name="テナント選択", level=1).wait_for()
    sound(page)
    page.get_by_role("button", name="T800").first.click()
    page.get_by_role("heading", name="ダッシュボード", level=1).wait_for()
    page.goto("/nothing")
    page.get_by_role("heading", name="ページが見つかりません").wait_for()
    sound(page)
