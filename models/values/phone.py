"""Normalize phone numbers and postcodes as typed: full-width, and with any of the characters used as hyphens."""

from __future__ import annotations

import re
import unicodedata

from models.values.visible_text import visible

# After NFKC: hyphens and dashes, the minus sign, box-drawing lines, and the long-vowel mark, whose key is next to zero.
_HYPHENS = re.compile("[\u2010-\u2015\u2212\u2500\u2501\u30fc]")
_BETWEEN_DIGITS = re.compile(r"[-\s]")


def plain_hyphens(text: str) -> str:
    """Return a number or code in half-width characters with ASCII hyphens.

    >>> plain_hyphens("７３３ー０００１")
    '733-0001'
    """
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", text))


def phone_digits(text: str) -> str:
    """Return a phone number as stored: half-width digits without hyphens.

    >>> phone_digits("０３－１２３４ー５６７８")
    '0312345678'
    """
    return _BETWEEN_DIGITS.sub("", plain_hyphens(visible(text)))
