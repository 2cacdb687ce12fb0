"""``make screenshots``: take the pictures of README.md from a new portal with demonstration data."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from config import ROOT
from tests.lighthouse.portal import Portal, portal
from tests.support.chromium import NONE, find_chromium

FOLDER = ROOT / "docs" / "screenshots"
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
# Fields for dates show them as the browser's own language writes them, which is the system's.
LANGUAGE = {"LANG": "ja_JP.UTF-8", "LANGUAGE": "ja"}
WIDTH, HEIGHT = 1280, 860
COLOURS = 128
"""Of each picture; a page has few, and the file becomes a third as large."""

MAX_BYTES = 150_000


def main() -> int:
    """Take the pictures, and say how large they are.

    :returns: 1 if there is no browser, or a picture is too large.
    """
    program = find_chromium()
    if program is None:
        sys.stderr.write(f"Pictures cannot be taken: {NONE}.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="portal-screenshots-") as folder,
        portal(Path(folder)) as running,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS, env=dict(os.environ) | LANGUAGE)
        sizes = {name: _take(browser, running, name, url) for name, url in pages(running).items()}
        browser.close()
    for name, size in sizes.items():
        sys.stdout.write(f"{name}: {size:,} bytes\n")
    return 1 if any(size > MAX_BYTES for size in sizes.values()) else 0


def pages(running: Portal) -> dict[str, str]:
    """Return the URLs of the pages, by the names of their pictures."""
    alerts = running.pages["alerts of a customer"]
    return {
        "dashboard": running.pages["dashboard"],
        "alerts": f"{alerts}?sort=level&direction=asc",
        "security": alerts.removesuffix("alerts/") + "security",
    }


def _take(browser: Browser, running: Portal, name: str, url: str) -> int:
    """Take a picture of the upper part of a page; return its size in bytes."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="ja-JP", timezone_id="Asia/Tokyo", reduced_motion="reduce"
    )
    context.set_extra_http_headers({"Cookie": running.cookie})
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    _wait_for_fonts(page)
    picture = Image.open(io.BytesIO(page.screenshot()))
    path = FOLDER / f"{name}.png"
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    context.close()
    return path.stat().st_size


def _wait_for_fonts(page: Page) -> None:
    page.evaluate("document.fonts.ready")


if __name__ == "__main__":
    sys.exit(main())
