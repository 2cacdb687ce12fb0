"""The focus indicator is visible on every background."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.browser.signing_in import sign_in
from tests.support.alerts import lines
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser

LEAST_CONTRAST = 3.0
LEAST_WIDTH = 2
MAX_STOPS = 150

# The rings around the focused element, and the background they are drawn on. Colours are [red, green, blue].
FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const seen = element.matches(".btn-check") ? element.nextElementSibling : element;
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (colour) => { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); };
  const painted = () => [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  const chain = [];
  for (let each = seen; each; each = each.parentElement) chain.unshift(each);
  const style = getComputedStyle(seen);
  const offset = parseFloat(style.outlineOffset), width = parseFloat(style.outlineWidth);
  const inside = offset < 0;
  paint("white");
  for (const each of inside ? chain : chain.slice(0, -1)) paint(getComputedStyle(each).backgroundColor);
  const background = painted();
  const rings = [];
  if (style.outlineStyle !== "none") rings.push({ colour: style.outlineColor, width });
  const shadow = /^(.*?\\)) 0px 0px 0px ([\\d.]+)px( inset)?$/.exec(style.boxShadow);
  if (shadow) rings.push({ colour: shadow[1], width: parseFloat(shadow[2]) - (shadow[3] ? width : 0) });
  for (const ring of rings) { paint("white"); paint(ring.colour); ring.colour = painted(); }
  const reach = inside ? 0 : offset + width;
  const box = seen.getBoundingClientRect();
  const clippedBy = chain.slice(0, -1).find((each) => {
    if (each === document.documentElement || each === document.body) return false;
    const around = each.getBoundingClientRect(), { overflowX, overflowY } = getComputedStyle(each);
    return (overflowX !== "visible" && (box.left - reach < around.left - 0.5 || box.right + reach > around.right + 0.5))
      || (overflowY !== "visible" && (box.top - reach < around.top - 0.5 || box.bottom + reach > around.bottom + 0.5));
  });
  const again = element.dataset.seen === "yes";
  element.dataset.seen = "yes";
  return { again, html: element.outerHTML.slice(0, 160), background, rings, clippedBy: clippedBy?.className ?? null };
}"""


def luminance(colour: list[int]) -> float:
    """The relative luminance of a colour as WCAG 2.2 defines it, from 0 to 1."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: list[int], other: list[int]) -> float:
    """The contrast ratio of two colours as WCAG 2.2 defines it, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def stops(page) -> list[dict]:
    """Return all elements of a page that the Tab key reaches, with their rings and backgrounds."""
    found = []
    for _ in range(MAX_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or stop["again"]:
            return found
        found.append(stop)
    pytest.fail(f"{page.url} has more than {MAX_STOPS} elements that take the focus.")


def check(page) -> list[dict]:
    """Tab through a page and check that each ring has enough contrast to its background and is not clipped."""
    page.wait_for_load_state()
    found = stops(page)
    for stop in found:
        wide = [ring["colour"] for ring in stop["rings"] if ring["width"] >= LEAST_WIDTH]
        best = max((contrast(colour, stop["background"]) for colour in wide), default=0)
        assert best >= LEAST_CONTRAST, f"{page.url}: the focus indicator has a contrast of {best:.1f} on {stop}"
        assert stop["clippedBy"] is None, f"{page.url}: {stop['clippedBy']} clips the focus indicator of {stop['html']}"
    return found


@pytest.fixture
def customer(make, engine):
    tenant = make.tenant(name="サンプルパートナー")
    make.confirmed_address(tenant)
    make.member(tenant, "Partner Operator", email="operator@example.jp", password=weak_hash())
    customer, utm = make.customer_with_utm(tenant, name="本社ゲートウェイ")
    for number in range(30):
        make.customer(tenant=tenant, name=f"あおぞら{number}")
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        found = lines(3, at=now - timedelta(hours=1), alert_severity="high", msg="走査の試み")
        sender = alert_ingest.Sender(tenant.id, customer.id, utm.id)
        alert_ingest.store(session, sender, found, now=now, retention_months=13)
        session.commit()
    return customer


def test_the_focus_indicator_has_contrast_on_light_and_dark_backgrounds(page, customer):
    page.emulate_media(reduced_motion="reduce")
    page.goto("/login/")
    check(page)
    sign_in(page, "operator@example.jp")
    page.goto("/")
    found = check(page)
    for path in ("/customers/?name=あおぞら", "/customers/add", f"/customers/{customer.id}", "/tenant-settings/"):
        page.goto(path)
        found += check(page)
    page.goto(f"/customers/{customer.id}/alerts/important")
    page.locator(".row-toggle").first.click()
    found += check(page)

    backgrounds = [luminance(stop["background"]) for stop in found]
    assert min(backgrounds) < 0.05
    assert max(backgrounds) > 0.9


def test_the_focus_indicator_has_contrast_in_menus_and_dialogs(page, customer):
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, "operator@example.jp")
    page.goto("/")
    page.get_by_label("ユーザメニュー").click()
    check(page)
    page.goto("/customers/")
    page.get_by_text("フィルタ").click()
    check(page)
    page.get_by_role("button", name="あおぞら29 を削除").click()
    page.get_by_role("dialog").wait_for()
    check(page)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ([255, 255, 255], [0, 0, 0], 21.0),
        ([255, 255, 255], [255, 255, 255], 1.0),
        ([255, 255, 255], [118, 118, 118], 4.54),
        ([0, 0, 255], [255, 0, 0], 2.15),
    ],
)
def test_contrast_is_computed_as_wcag_defines_it(one, other, ratio):
    assert round(contrast(one, other), 2) == ratio
