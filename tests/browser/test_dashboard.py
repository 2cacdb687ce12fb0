"""§5.1: the dashboard with something in every widget, and its arrangement."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from jobs import dashboard as jobs
from models import clock
from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash
from tests.support.processes import eventually


@pytest.fixture
def filled(app, make):
    """A tenant with long names and large numbers."""
    tenant = make.tenant()
    make.confirmed_address(tenant)
    user = make.member(tenant, "Partner Operator", email="morning@example.jp", password=weak_hash())
    now = clock.utc_now()
    for number in range(6):
        customer = make.customer(tenant=tenant, name="W" * 40)
        contract = make.contract(customer_row=customer, start_on=clock.tokyo_day(now) - timedelta(days=100))
        make.contract_line(contract=contract, quantity=999, unit_price=99_999_999)
        make.portal_user(customer_row=customer, last_name="長" * 256, sign_up_until=now + timedelta(hours=number - 3))
        make.service_application(tenant=tenant, company="社" * 40, applied_at=now - timedelta(days=999))
        make.utm(customer_row=customer, last_seen_at=now - timedelta(hours=1))
        make.announcement(title="題" * 100, important=True)
    with app.app_context():
        jobs.refresh()
        jobs.refresh_daily()
    return user.email


def test_the_dashboard_and_its_arrangement(page, filled, sound, fits):
    sign_in(page, filled)
    page.goto("/")
    sound(page)
    fits(page)

    page.get_by_label("ステータス").select_option("サインアップ期間切れ")
    page.wait_for_url("**/?users=expired*")
    users = page.locator("[aria-labelledby=widget-unused_users] tbody tr")
    expect(users).to_have_count(4)

    page.get_by_role("link", name="表示設定").click()
    sound(page)
    page.get_by_role("button", name="「顧客数」を上へ移動").click()
    page.wait_for_url("**#widget-customers")
    page.get_by_label("当月収益予想", exact=True).uncheck()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("ダッシュボードの表示設定を保存しました。").wait_for()
    expect(page.get_by_role("heading", name="当月収益予想")).to_have_count(0)


@at_desk
def test_the_bars_are_painted_before_the_scripts_arrive(page, filled):
    sign_in(page, filled)
    page.goto("/")
    held = []
    # The small script early.js alone belongs to the first paint.
    page.route(re.compile(r"/(?!early)[\w-]+\.js$"), lambda route: held.append(route))  # noqa: PLW0108  (Playwright takes no builtin method)
    page.goto("/", wait_until="commit")

    expect(page.get_by_text("先々月").first).to_be_visible()
    assert eventually(lambda: bool(page.evaluate("performance.getEntriesByName('first-contentful-paint').length")))
    assert held
    for route in held:
        route.continue_()
