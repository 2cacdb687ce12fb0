"""The portal in a real Chromium, at the width of a desk and of a phone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.chromium import NONE, find_chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WINDOWS = (390, 640, 700, 768, 900, 992, 1024, 1093, 1150, 1200, 1280)
"""Widths at which a list must fit: a phone, a tablet, half a desk, and around the widths where the side menu changes."""
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
MENUS = ("", "open")
"""The side menu folded by itself, and opened."""
SIDEWAYS = """menus => menus.map(menu => {
    document.body.dataset.menu = menu;
    return document.scrollingElement.scrollWidth - window.innerWidth;
})"""
AXE_RUN = "options => axe.run(options).then(({violations}) => ({violations}))"


class _Quiet(WSGIRequestHandler):
    def log(self, *_args, **_kwargs) -> None:
        """Requests are in the portal's own log."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"REQUIRE_BROWSER is set, and {NONE}")
        pytest.skip(NONE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def live_url(app, monkeypatch) -> Iterator[str]:
    """The address of the portal, served for real, with CSRF as people have it."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    # The default is to notice the end of a test only after up to half a second.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=WIDTHS)
def page(request, chromium, live_url) -> Iterator[Page]:
    """A page at each width. What its console complains of fails the test."""
    width, height = WIDTHS[request.param]
    context = chromium.new_context(
        base_url=live_url,
        viewport={"width": width, "height": height},
        locale="ja-JP",
        accept_downloads=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    # A 404 or a 422 that a test asked for is no complaint of the page's own.
    assert [each for each in complaints if not each.startswith("Failed to load resource")] == []


@pytest.fixture
def sound() -> Callable[[Page], None]:
    """Check the screen a page shows: axe finds nothing, and nothing scrolls sideways. A wide page is checked as a phone shows it, too."""
    axe = Axe()

    def check(page: Page) -> None:
        # A click waits until the next page begins, not until it is there.
        page.wait_for_load_state()
        page.evaluate(axe.axe_script)
        size = page.viewport_size
        is_wide = size["width"] > WIDTHS["phone"][0]
        _check_width(page, colors=is_wide)
        if is_wide:
            page.set_viewport_size(dict(zip(("width", "height"), WIDTHS["phone"], strict=True)))
            # Colors are the same at each width, and checking them takes most of the time.
            _check_width(page, colors=False)
            page.set_viewport_size(size)

    return check


def _check_width(page: Page, *, colors: bool) -> None:
    """Check a page that has the script of axe."""
    # A report of what is right would take as long as finding what is wrong. Stylesheets are read only for a rule about
    # the orientation of a phone, of which none says anything (tests/conventions/test_static_files.py).
    options = {"resultTypes": ["violations"], "preload": False, "rules": {"color-contrast": {"enabled": colors}}}
    found = AxeResults(page.evaluate(AXE_RUN, options))
    where = f"{page.url} at {page.viewport_size['width']} px"
    assert found.violations_count == 0, f"{where}\n{found.generate_report()}"
    sideways = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert sideways <= 0, f"{where} scrolls {sideways} pixels sideways."


@pytest.fixture
def fits() -> Callable[[Page], None]:
    """Check that the screen a page shows scrolls sideways in no window, with the side menu folded by itself or opened."""

    def check(page: Page) -> None:
        size = page.viewport_size
        beyond = {}
        for width in WINDOWS:
            page.set_viewport_size({"width": width, "height": 900})
            for menu, pixels in zip(MENUS, page.evaluate(SIDEWAYS, MENUS), strict=True):
                beyond[width, menu] = pixels
        page.set_viewport_size(size)
        assert {window: pixels for window, pixels in beyond.items() if pixels > 0} == {}, f"{page.url} goes sideways."

    return check
