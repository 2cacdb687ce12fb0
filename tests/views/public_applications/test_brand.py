"""What is served for the look of the public pages."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from models.values.colour import contrast

LOGO = b"\x89PNG\r\n\x1a\nlogo"


@pytest.mark.parametrize("colour", ["000000", "ffffff", "ffee00", "777777", "1d4ed8"])
def test_the_colour_is_a_stylesheet_with_text_that_can_be_read(app, colour):
    answer = app.test_client().get(f"/brand/colour-{colour}.css")

    values = dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", answer.text))
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert values["--brand"] == f"#{colour}"
    assert contrast(values["--brand-text"], values["--brand"]) >= 4.5
    assert contrast(values["--portal-accent"], "#ffffff") >= 4.5


@pytest.mark.parametrize("colour", ["", "red", "FFFFFF", "fff", "000000;}", "0000000", "%0a00000"])
def test_anything_else_is_no_colour(app, colour):
    assert app.test_client().get(f"/brand/colour-{colour}.css").status_code == 404


def test_a_logo_is_served_as_a_picture_under_its_hash(app, settings):
    logo_hash = sha256(LOGO).hexdigest()
    settings(logo=LOGO, logo_hash=logo_hash)

    answer = app.test_client().get(f"/brand/logo-{logo_hash}.png")

    assert (answer.status_code, answer.data) == (200, LOGO)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("logo_hash", ["", "0" * 64, "%25", "x' OR '1'='1"])
def test_an_unknown_logo_is_not_found(app, settings, logo_hash):
    settings()

    assert app.test_client().get(f"/brand/logo-{logo_hash}.png").status_code == 404
