"""Colours that tenants choose, and colours with enough contrast made of them (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re

MIN_CONTRAST = 4.5
"""The contrast that text needs."""

_BLACK, _WHITE = "#000000", "#ffffff"
# Text in the tenant's colour is on white or on a background as dark as this.
_BACKGROUND = "#f1f3f6"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_STEP = 0.95


def is_colour(text: str) -> bool:
    """Return whether a text is a colour as stored: ``#`` and six lower-case hexadecimal digits."""
    return _COLOUR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return round((lighter + 0.05) / (darker + 0.05), 4)


def text_on(background: str) -> str:
    """Return black or white, whichever is easier to read on a background. Its contrast is always sufficient."""
    return max((_WHITE, _BLACK), key=lambda text: contrast(text, background))


def readable(colour: str) -> str:
    """Return a colour darkened as far as necessary to be read as text on a light page, or to have white text on it."""
    parts = [float(part) for part in _parts(colour)]
    while contrast(made := _hex(parts), _BACKGROUND) < MIN_CONTRAST:
        parts = [part * _STEP for part in parts]
    return made


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(parts: list[float]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in parts)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
