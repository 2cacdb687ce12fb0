"""Numbers with hyphens as they are typed: full-width, and with whatever the keyboard gave for a hyphen."""

from __future__ import annotations

import re
import unicodedata

from models.values.visible_text import visible

# After NFKC: hyphens and dashes, the minus sign, ruled lines, and the long-vowel mark of the key beside the zero.
_HYPHENS = re.compile("[\u2010-\u2015\u2212\u2500\u2501\u30fc]")
_BETWEEN_DIGITS = re.compile(r"[-\s]")


def plain_hyphens(text: str) -> str:
    """A number or code in half-width characters, with hyphens that are hyphens.

    >>> plain_hyphens("７３３ー０００１")
    '733-0001'
    """
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", text))


def phone_digits(text: str) -> str:
    """A phone number as it is stored, without hyphens and in half-width digits.

    >>> phone_digits("０３－１２３４ー５６７８")
    '0312345678'
    """
    return _BETWEEN_DIGITS.sub("", plain_hyphens(visible(text)))
