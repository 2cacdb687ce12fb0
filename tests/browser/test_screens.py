"""Screens at the width of a desk and of a phone: axe finds nothing, nothing scrolls sideways. test_declared_screens.py has the rest."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.browser.signing_in import enter_tenant, sign_in
from tests.browser.windows import at_desk
from tests.support.alerts import lines
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
LONG = "パートナー株式会社とても長い名前の支店営業本部第二課"


@pytest.fixture
def world(make, engine):
    """Two tenants with a customer, a UTM and alerts each kind, an administrator and an operator of both."""
    here, there = make.tenant(name=LONG), make.tenant(name="つぐみ商会")
    make.elevated("NEC Admin", email="admin@example.jp", password=weak_hash(), last_name="管理")
    operator = make.member(here, "Partner Operator", email="operator@example.jp", password=weak_hash(), last_name=LONG)
    make.join(operator, there, "Partner Viewer")
    customer, utm = make.customer_with_utm(here, name="本社ゲートウェイ")
    make.utm(customer_row=customer, name="支店ゲートウェイ")
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": here.id}) as session:
        for level in ("high", "low"):
            found = lines(30, at=now - timedelta(hours=len(level)), alert_severity=level, msg="走査の試み")
            sender = alert_ingest.Sender(here.id, customer.id, utm.id)
            alert_ingest.store(session, sender, found, now=now, retention_months=13)
        session.commit()
    return {"tenant": here, "customer": customer, "utm": utm, "operator": operator}


def enter(page, world, email="operator@example.jp"):
    sign_in(page, email)
    enter_tenant(page, world["tenant"].id)


def visit(page, sound, *addresses):
    for address in addresses:
        page.goto(address)
        sound(page)


@at_desk
def test_before_a_tenant_is_chosen(page, world, sound):
    visit(page, sound, "/login/")
    sign_in(page, "operator@example.jp")
    visit(page, sound, "/tenants/", "/tenants/?by=name&text=あおぞら", "/tenants/?by=name&text=ない", "/nothing")


@at_desk
def test_customers(page, world, make, sound):
    customer, unused = world["customer"], make.customer(tenant=world["tenant"])
    enter(page, world)
    visit(page, sound, "/", "/customers/?name=ない", f"/customers/{customer.id}/security")
    page.goto("/customers/")
    page.get_by_text("フィルタ").click()
    sound(page)
    page.get_by_role("button", name=f"{unused.name} を削除").click()
    page.get_by_role("dialog").wait_for()
    sound(page)


@at_desk
def test_contracts_and_what_they_cost(page, world, make, sound):
    contract = make.contract(customer_row=world["customer"])
    plan = make.rate_plan(product=contract.product, name=LONG)
    make.wholesale_price(rate_plan=plan, unit_price=99_999_999)
    make.contract_line(contract=contract, rate_plan=plan, quantity=999)
    enter(page, world)
    visit(page, sound, "/", "/contract-status/", "/contracts/?status=void")
    page.goto("/contracts/")
    page.get_by_text("フィルタ").click()
    sound(page)


@at_desk
def test_the_page_of_two_who_edit_a_customer(page, world, make, sound):
    customer = world["customer"]
    enter(page, world)
    page.goto(f"/customers/{customer.id}/edit")
    customer.name = "先に変えた名前"
    make.session.commit()
    page.get_by_label("会社名").fill("後から変えた名前")
    page.get_by_role("button", name="変更", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()

    page.locator("#main").get_by_text("先に変えた名前").wait_for()

    sound(page)


@at_desk
def test_utms_and_alerts(page, world, sound):
    customer, utm = world["customer"], world["utm"]
    alerts = f"/customers/{customer.id}/alerts"
    enter(page, world)
    page.goto(f"/customers/{customer.id}/utms/{utm.id}")
    sound(page)
    visit(page, sound, f"{alerts}/?level=low", f"{alerts}/?filters=1&source=bad", f"{alerts}/important")
    page.goto(f"{alerts}/")
    page.get_by_text("フィルタ", exact=True).click()
    page.get_by_label("アラートID").wait_for()
    sound(page)
    page.get_by_role("button", name="ダウンロード", exact=True).click()
    page.get_by_role("dialog").wait_for()
    sound(page)


@at_desk
def test_users_and_their_places(page, world, sound):
    operator = world["operator"]
    sign_in(page, "admin@example.jp")
    visit(page, sound, "/users/list/?email=nobody", f"/users/show/{operator.id}", "/access-ledger/", "/profile/")


def test_long_names_stay_in_their_card(page, world, make, sound):
    role = make.role("W" * 55)
    user = make.member(world["tenant"], role.name, email="a" * 100 + "@long-name.example.jp")
    make.join(user, make.tenant(name="W" * 100), role.name)
    sign_in(page, "admin@example.jp")
    for address in ("/users/list/", f"/users/show/{user.id}", "/roles/list/", "/permissionviews/list/"):
        page.goto(address)
        sound(page)
        beyond = page.locator(".card table").evaluate_all(
            "all => all.map(each => each.offsetWidth - each.closest('.card').offsetWidth)"
        )
        assert max(beyond) <= 0, f"A table of {address} is wider than its card."


@at_desk
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_name_of_the_portal_stands_by_its_mark(page, world, language):
    sign_in(page, "admin@example.jp")
    page.context.add_cookies([{"name": "language", "value": language, "domain": "127.0.0.1", "path": "/"}])
    page.goto("/users/list/")

    mark, name = (page.locator(f".navbar-brand > {each}").bounding_box() for each in ("svg", "span"))

    assert name["x"] - (mark["x"] + mark["width"]) == pytest.approx(8)


@at_desk
def test_roles_that_are_copied_or_built_in(page, world, sound):
    sign_in(page, "admin@example.jp")
    visit(page, sound, "/roles/add?copy=1", "/roles/show/1")


@at_desk
def test_a_user_is_made_put_into_a_tenant_and_deleted(page, world, sound):
    sign_in(page, "admin@example.jp")
    page.goto("/users/add")
    page.get_by_label("氏名（姓）").fill("新井")
    page.get_by_label("氏名（名）").fill("葉子")
    page.get_by_label("メールアドレス").fill("arai@example.jp")
    page.get_by_role("button", name="作成", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("ユーザを作成しました。").wait_for()
    sound(page)

    page.get_by_label("テナント", exact=True).select_option(world["tenant"].id)
    page.get_by_label("ロール", exact=True).select_option("Partner Viewer")
    page.get_by_role("button", name="テナントに追加").click()
    page.get_by_text("ユーザをテナントに追加しました。").wait_for()
    sound(page)

    page.get_by_role("button", name="削除", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("ユーザを削除しました。").wait_for()
    expect(page.get_by_text("arai@example.jp")).to_have_count(0)


@at_desk
def test_english_is_chosen_by_keyboard_before_and_after_signing_in(page, world, sound):
    page.goto("/login/")
    page.get_by_role("button", name="English").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sign in").wait_for()
    sound(page)
    page.get_by_role("button", name="日本語").click()
    sign_in(page, "operator@example.jp")
    page.goto("/")

    page.locator("details.menu > summary").focus()
    page.keyboard.press("Enter")
    tab_to(page, "English", most=8)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Tenant selection", level=1).wait_for()
    page.get_by_role("button", name=world["tenant"].id).click()
    page.get_by_role("heading", name="Dashboard", level=1).wait_for()
    visit(page, sound, "/customers/", f"/customers/{world['customer'].id}/alerts/", "/customers/add", "/nothing")


def focused(page) -> str:
    return page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent || '').trim()")


def tab_to(page, name: str, *, most: int = 60) -> None:
    """Press Tab until something of that name has the focus, and see that the focus is visible there."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page) == name:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            shadow = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
            assert outline != "none" or shadow != "none", f"{name} has the focus and does not show it."
            return
    pytest.fail(f"{name} is not reached by Tab on {page.url}.")


@at_desk
def test_the_customers_by_keyboard_alone(page, world, make):
    # Without a contract or a UTM, so that it can be deleted.
    customer = make.customer(tenant=world["tenant"], name="つぐみ工業")
    for number in range(3):
        make.customer(tenant=world["tenant"], name=f"うぐいす工業{number}")
    enter(page, world)
    page.goto("/customers/")

    tab_to(page, "フィルタ")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("つぐみ")
    page.keyboard.press("Enter")
    page.get_by_text("1件", exact=True).wait_for()
    tab_to(page, customer.id)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=customer.name, level=1).wait_for()

    tab_to(page, "削除")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert focused(page) == "削除"
    page.keyboard.press("Enter")
    expect(page.locator("dialog :focus")).to_have_count(1)
    tab_to(page, "キャンセル", most=3)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"/{customer.id}(\?|$)"))


@at_desk
def test_the_alert_filters_by_keyboard_alone(page, world):
    customer = world["customer"]
    enter(page, world)
    page.goto(f"/customers/{customer.id}/alerts/?sort=level")

    tab_to(page, "フィルタ")
    page.keyboard.press("Enter")
    page.locator("#filter-utm").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator("#filter-utm")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("nosuch")
    page.keyboard.press("Enter")
    page.get_by_text("この条件に一致するアラートはありません。").wait_for()

    expect(page).to_have_url(re.compile("action=nosuch"))
    expect(page).to_have_url(re.compile("sort=level"))
    expect(page).not_to_have_url(re.compile("filters="))


@at_desk
def test_the_menu_of_staff_begins_where_the_main_menu_ends(page, world):
    enter(page, world, "admin@example.jp")
    page.goto("/")

    main, staff = (page.locator(each).bounding_box() for each in (".side-menu > .navbar-nav >> nth=0", "#staff-menu"))

    assert 0 <= staff["y"] - (main["y"] + main["height"]) <= 24


@at_desk
def test_no_list_scrolls_sideways_in_any_window(page, world, make, fits):
    locked = clock.utc_now() + timedelta(hours=1)
    address = f"{'a' * 30}@long-name.example.jp"
    user = make.member(world["tenant"], "Partner Operator", email=address, last_name=LONG, locked_until=locked)
    make.elevated("NEC Staff", last_login=clock.utc_now().replace(tzinfo=None), locked_until=locked)
    for number in range(3):
        make.join(user, make.tenant(name=f"{LONG}{number}"), "Partner Viewer")
    make.customer(tenant=world["tenant"], name="W" * 40)
    make.utm(tenant=world["tenant"], name="W" * 50, last_seen_at=clock.utc_now())
    make.portal_token(tenant=world["tenant"], name="W" * 100)
    make.application_field(tenant=world["tenant"], title="W" * 100)
    make.mail_message(tenant_id=world["tenant"].id, recipient=f"{'a' * 60}@example.jp", subject="W" * 80)
    enter(page, world, "admin@example.jp")
    customer = f"/customers/{world['customer'].id}"
    for address in (
        *("/", "/customers/", "/utms/", f"{customer}/security", f"{customer}/alerts/", f"{customer}/alerts/important"),
        *("/users/list/", "/roles/list/", "/permissionviews/list/", "/staff/mail/", "/staff/jobs/", "/tenants/"),
        *("/mail-templates/", "/mail-templates/application_confirm/history", "/application-fields/"),
        *("/tenant-settings/", "/tenant-settings/tokens/", "/notification-addresses/"),
    ):
        page.goto(address)
        fits(page)
