"""The chart screens in a browser: the drawing, its numbers beside it, and the same page without JavaScript and on paper."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.alerts import lines
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
IPS = "グラフ：検知数（IPS）。同じ数値が下の表にあります。"


@pytest.fixture
def charts(page, make, engine):
    """The address of the comparison of twelve UTMs, of which eleven have alerts, with an operator signed in."""
    tenant = make.tenant()
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    customer, utm = make.customer_with_utm(tenant, name="とても長い名前の支店営業本部第二課の一号機")
    utms = [utm, *(make.utm(customer_row=customer, name=f"支店{number}") for number in range(11))]
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        for number, each in enumerate(utms[:11]):
            sender = alert_ingest.Sender(tenant.id, customer.id, each.id)
            found = lines(30 - number, at=now, every=timedelta(seconds=1))
            alert_ingest.store(session, sender, found, now=now, retention_months=13)
        session.commit()
    sign_in(page, "operator@example.jp")
    return f"/customers/{customer.id}/charts/utms?unit=month"


@at_desk
def test_a_chart_is_drawn_from_the_numbers_beside_it(page, charts, sound, fits):
    page.goto(charts)
    drawing = page.get_by_role("img", name=IPS)

    expect(drawing.locator("svg")).to_be_visible()
    expect(drawing).not_to_contain_text("支店9")  # the eleventh
    for name in ("とても長い名前の支店営業本部第二課の一号機", "支店8"):
        expect(drawing.locator("svg text", has_text=name)).to_have_count(1)
    numbers = page.locator("#chart-ips-numbers")
    numbers.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(numbers.locator("tbody tr").last).to_contain_text("30")
    drawing.hover()  # the tooltip keeps the policy of the page
    sound(page)
    fits(page)

    page.get_by_role("checkbox", name="支店10をグラフに表示").focus()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="支店0をグラフに表示").uncheck()
    page.get_by_role("button", name="選んだUTMをグラフに表示").press("Enter")
    page.wait_for_url("**utm=**")
    expect(drawing.locator("svg text", has_text="支店10")).to_have_count(1)
    expect(drawing.locator("svg text", has_text="支店0")).to_have_count(0)

    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1031, "height": 720})  # a sheet
    expect(drawing.locator("svg")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_without_javascript_the_numbers_are_there(page, chromium, live_url, charts):
    context = chromium.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state(), viewport={"width": 390, "height": 844}
    )
    plain = context.new_page()
    plain.goto(f"{live_url}{charts}")

    expect(plain.get_by_role("img", name=IPS)).to_be_hidden()
    plain.locator("#chart-ips-numbers summary").click()

    expect(plain.locator("#chart-ips-numbers tbody tr").last).to_contain_text("30")
    context.close()
