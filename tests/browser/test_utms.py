"""Pages that show when a UTM connects without being loaded again, and the exchange of a UTM."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from models import clock
from tests.browser.signing_in import sign_in
from tests.browser.test_journey import customer  # noqa: F401  (a fixture)
from tests.browser.windows import at_desk

pytestmark = pytest.mark.browser


@at_desk
def test_a_utm_comes_online_where_it_is_waited_for_and_in_the_list(page, make, customer, sound):  # noqa: F811
    utm = make.utm(customer_row=customer, name="本社")
    page.clock.install()
    asked = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "/utms/states?" in request.url.partition("next=")[0] else None,
    )
    sign_in(page)
    page.goto(f"/customers/{customer.id}/utms/{utm.id}")
    sound(page)
    # The page asks again some seconds after it got an answer.
    with page.expect_response(lambda response: "/utms/states?" in response.url) as answered:
        page.clock.run_for(5_000)
    answered.value.finished()
    expect(page.get_by_text("最初の接続を待っています。")).to_be_visible()

    utm.last_seen_at = clock.utc_now()
    make.save(utm)
    page.clock.run_for(6_000)

    expect(page.locator("#first-contact")).to_contain_text("UTMが接続しました")
    expect(page.locator(f"#utm-state-{utm.id}")).to_contain_text("最終接続")
    expect(page.locator("[data-refreshes]")).to_have_text("本社: オンライン")
    sound(page)

    page.goto(f"/customers/{customer.id}/security")
    page.get_by_label("UTM名").first.focus()
    before = page.evaluate("scrollTo(0, 100), [scrollY, document.activeElement.id]")
    utm.last_seen_at = None
    make.save(utm)
    page.clock.run_for(30_000)
    expect(page.locator("#security-status")).to_contain_text("監視できていません")
    expect(page.locator(f"#utm-state-{utm.id}")).to_contain_text("未接続")
    assert page.evaluate("[scrollY, document.activeElement.id]") == before

    page.goto("/utms/")
    page.context.clear_cookies()
    with page.expect_response("**/utms/states*"):
        page.clock.run_for(30_000)
    already = len(asked)
    page.clock.run_for(120_000)
    assert len(asked) == already


@at_desk
def test_an_exchange_asks_with_what_follows_from_it(page, make, customer, sound):  # noqa: F811
    utm = make.utm(customer_row=customer, name="本社")
    sign_in(page)
    page.goto(f"/customers/{customer.id}/utms/{utm.id}/exchange")
    sound(page)
    page.get_by_label("UTM ID").fill("a0:b1:c2:ff:ff:01")
    page.get_by_label("製造番号").fill("SERIAL-OF-THE-NEW-ONE-00000001")
    page.get_by_role("button", name="交換").click()

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{utm.utm_id} → a0b1c2ffff01")
    sound(page)
    assert dialog.evaluate("each => each.scrollWidth <= each.clientWidth")
    page.keyboard.press("Escape")
    expect(page.get_by_label("UTM ID")).to_have_value("a0:b1:c2:ff:ff:01")
