"""The list of alerts at the width of a desk and of a phone: how much room it takes, and what a click does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.browser.signing_in import sign_in
from tests.support.alerts import line
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
desk, phone = (pytest.mark.parametrize("page", [width], indirect=True) for width in ("desk", "phone"))

# What is as long as it can be, what a browser could run, and what is not there.
BAD = (
    {"type": "url_filter", "url": "http://www.example.jp/" + "a" * 2_000, "act": "遮断しました" * 5},
    {"msg": "<script>alert(1)</script><img src=x onerror=alert(1)>", "alert_id": "x" * 64},
    {"src-ip": "2001:db8:1234:5678:9abc:def0:1234:5678", "dst-ip": "2001:db8:ffff:5678:9abc:def0:1234:5678"},
    {"src-ip": None, "dst-ip": None},
)
SCAN = {"msg": "SCAN Potential SSH scan OUTBOUND", "alert_severity": "high"}
ROWS = "tr.has-toggle"


@pytest.fixture
def utm(make):
    tenant = make.tenant()
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    return make.customer_with_utm(tenant, name="とても長い名前の支店営業本部第二課の一号機")[1]


@pytest.fixture
def alerts(page, utm, engine):
    """The address of a list of more than a page, with an operator signed in."""
    now = clock.utc_now()
    values = [*BAD, *[SCAN] * 56]
    found = [
        (number + 1, line(number, at=now - timedelta(minutes=number), **each)) for number, each in enumerate(values)
    ]
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        assert alert_ingest.store(session, sender, found, now=now, retention_months=13).stored == len(values)
        session.commit()
    sign_in(page, "operator@example.jp")
    return f"/customers/{utm.customer_id}/alerts/"


def tops_and_heights(page):
    return page.locator(ROWS).evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).map(each => [each.top + scrollY, each.height])"
    )


@phone
def test_fifty_alerts_are_short_cards_on_a_phone(page, alerts, sound):
    page.goto(alerts)

    cards = tops_and_heights(page)
    labels = page.locator(f"{ROWS} td").evaluate_all(
        "all => all.map(each => getComputedStyle(each, '::before').content).filter(each => each !== 'none')"
    )

    assert len(cards) == 50
    assert max(height for _, height in cards) <= 86
    assert page.evaluate("document.documentElement.scrollHeight") <= 5_000
    assert labels == []
    for shown in (re.compile(r"\d\d:\d\d:\d\d"), "High", "IPS", "Pass", "とても長い名前の支店", SCAN["msg"]):
        expect(page.locator(ROWS).nth(10).get_by_text(shown)).to_be_visible()
    expect(page.get_by_role("button", name="印刷")).to_be_hidden()
    sound(page)


@phone
def test_after_a_search_a_phone_begins_with_the_list(page, alerts, sound):
    page.goto(alerts)
    page.get_by_label("セキュリティ機能", exact=True).select_option("IPS")
    page.get_by_role("button", name="検索", exact=True).click()
    page.wait_for_url("**function=ips**")
    search = page.get_by_role("search").locator("summary").first
    function = page.get_by_label("セキュリティ機能", exact=True)

    assert tops_and_heights(page)[0][0] < 420
    expect(function).to_be_hidden()
    sound(page)
    search.focus()
    page.keyboard.press("Enter")
    expect(function).to_have_value("ips")
    sound(page)
    page.get_by_role("link", name="検索条件をクリア").click()
    page.wait_for_url(f"**{alerts}")
    expect(function).to_be_visible()


@phone
def test_a_folded_search_opens_without_javascript(page, chromium, live_url, alerts):
    context = chromium.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state(), viewport={"width": 390, "height": 844}
    )
    plain = context.new_page()
    plain.goto(f"{live_url}{alerts}?function=ips")

    expect(plain.get_by_label("開始").first).to_be_hidden()
    plain.get_by_role("search").locator("summary").first.click()

    expect(plain.get_by_label("開始").first).to_be_visible()
    expect(plain.get_by_role("button", name="表示")).to_be_visible()
    context.close()


@desk
def test_a_desk_shows_the_fields_of_a_search_that_was_made(page, alerts):
    page.goto(f"{alerts}?function=ips")

    expect(page.get_by_label("セキュリティ機能", exact=True)).to_be_visible()
    expect(page.get_by_role("search").locator("summary").first).to_be_hidden()
    expect(page.get_by_label("並び順")).to_be_hidden()


@phone
@pytest.mark.parametrize("address", ["alerts", "/customers/"])
def test_on_a_phone_a_select_takes_the_place_of_the_headings(page, alerts, address):
    page.goto(alerts if address == "alerts" else address)
    expect(page.get_by_label("並び順")).to_be_visible()
    unseen = page.locator("thead a, thead input").evaluate_all(
        "all => all.filter(each => { each.focus(); return document.activeElement === each; }).length"
    )

    page.get_by_label("昇順・降順").select_option("昇順")
    page.wait_for_url("**direction=asc**")
    page.get_by_label("並び順").select_option(index=1)
    page.wait_for_url("**sort=*")

    assert unseen == 0
    expect(page.get_by_label("昇順・降順")).to_have_value("asc")


def test_a_click_on_a_row_shows_and_hides_its_details(page, alerts, utm):
    page.goto(alerts)
    row = page.locator(ROWS).nth(10)
    details = page.locator(f"#{row.get_attribute('id')}-detail")

    row.get_by_text("Pass").click()
    expect(details.get_by_text("送信元IPアドレス")).to_be_visible()
    row.get_by_text("Pass").click()
    expect(details).to_be_hidden()
    row.locator(".row-toggle").click()
    expect(details).to_be_visible()
    details.get_by_text("送信元IPアドレス").click()
    expect(details).to_be_visible()

    details.get_by_role("link", name=utm.name).click()
    page.wait_for_url(f"**/utms/{utm.id}")


@desk
def test_selecting_text_in_a_row_does_not_open_it(page, alerts):
    page.goto(alerts)
    row = page.locator(ROWS).nth(10)
    box = row.get_by_text("SCAN Potential").bounding_box()

    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()

    assert page.evaluate("getSelection().toString()") != ""
    expect(row.locator(".row-toggle")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("tr.detail:visible")).to_have_count(0)


@desk
@pytest.mark.parametrize("width", [1280, 1093])
def test_what_was_found_stays_in_its_row(page, alerts, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(alerts)

    beyond = page.locator(".alerts").evaluate("each => each.offsetWidth - each.closest('.card').offsetWidth")

    assert beyond <= 0
    expect(page.locator(ROWS).nth(10).get_by_text("192.168.10.24 → 203.0.113.8")).to_be_visible()


@desk
def test_paper_has_what_was_found(page, alerts):
    page.goto(alerts)
    page.emulate_media(media="print")

    words = page.locator(ROWS).nth(10).inner_text()

    assert "SCAN Potential SSH scan OUTBOUND" in words
    assert "192.168.10.24 → 203.0.113.8" in words
    page.set_viewport_size({"width": 1040, "height": 800})
    beyond = page.locator(".alerts").evaluate("each => each.offsetWidth - each.closest('.card').offsetWidth")
    assert beyond <= 0
