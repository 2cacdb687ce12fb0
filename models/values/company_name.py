"""Normalize company names for comparison: width, case and the notation of the legal form do not matter."""

from __future__ import annotations

import re
import unicodedata

from models.values.visible_text import visible

# The usual abbreviations of legal forms, after NFKC (which turns ㈱ into (株)).
_FORMS = {"株": "株式会社", "有": "有限会社", "合": "合同会社", "同": "合同会社", "名": "合名会社", "資": "合資会社"}
_SHORT_FORM = re.compile(r"\(\s*([株有合同名資])\s*\)")
_BLANKS = re.compile(r"\s+")
# NFKC would reduce these to the bare character.
_CIRCLED = str.maketrans({"㊑": "㈱", "㊒": "㈲", "㊔": "㈴", "㊮": "㈾"})
# Variation selectors, which choose a glyph: 葛 has two, but is typed without a selector.
_SHAPES = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def search_key(name: str) -> str:
    """Return the normalized form of a name, which substring search compares.

    >>> search_key("㈱ アオゾラ ＡＢＣ")
    '株式会社アオゾラabc'
    """
    text = unicodedata.normalize("NFKC", _SHAPES.sub("", visible(name)).translate(_CIRCLED))
    text = _SHORT_FORM.sub(lambda match: _FORMS[match[1]], text)
    return _BLANKS.sub("", text).casefold()
