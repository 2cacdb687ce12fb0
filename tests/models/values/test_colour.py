"""The colours of the public pages can be read, whatever a tenant chooses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.values.colour import MIN_CONTRAST, contrast, is_colour, readable, text_on

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(COLOURS)
def test_text_can_be_read_on_every_colour(colour):
    assert contrast(text_on(colour), colour) >= MIN_CONTRAST


@given(COLOURS)
def test_every_colour_is_made_readable(colour):
    made = readable(colour)

    assert contrast(made, "#f1f3f6") >= MIN_CONTRAST
    assert contrast(made, "#ffffff") >= MIN_CONTRAST


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert readable("#1d4ed8") == "#1d4ed8"


@pytest.mark.parametrize("text", ["", "red", "#FFF", "#fff", "#1D4ED8", "1d4ed8", "#1d4ed8 ", "#1d4ed8\n", "#１d4ed8"])
def test_anything_else_is_no_colour(text):
    assert not is_colour(text)
