"""Normalize company names for comparison: width, case, variants and the notation of the legal form do not matter."""

from __future__ import annotations

import re
import unicodedata

from models.values.characters import unified
from models.values.visible_text import visible

# The usual abbreviations of legal forms, after NFKC (which turns ㈱ into (株)).
_FORMS = {"株": "株式会社", "有": "有限会社", "合": "合同会社", "同": "合同会社", "名": "合名会社", "資": "合資会社"}
_SHORT_FORM = re.compile(r"\(\s*([株有合同名資])\s*\)")
_BLANKS = re.compile(r"\s+")
# NFKC would reduce these to the bare character.
_CIRCLED = str.maketrans({"㊑": "㈱", "㊒": "㈲", "㊔": "㈴", "㊮": "㈾"})

LEGAL_FORMS = (
    *("株式会社", "有限会社", "合同会社", "合名会社", "合資会社", "相互会社"),
    *("一般社団法人", "一般財団法人", "公益社団法人", "公益財団法人", "社団法人", "財団法人", "特定非営利活動法人"),
    *("医療法人社団", "医療法人財団", "医療法人", "社会福祉法人", "学校法人", "宗教法人", "協同組合"),
)
"""Before or after a name, they do not count when names are sorted."""

SORTED_WITHOUT = "^({forms})(?=.)|(?<=.)({forms})$".format(forms="|".join(LEGAL_FORMS))
"""The part of a normalized name that does not count when names are sorted, as a regular expression of PostgreSQL. A name that
consists only of a legal form is left unchanged."""


def search_key(name: str) -> str:
    """Return the normalized form of a name, which substring search compares.

    >>> search_key("㈱ アオゾラ ＡＢＣ")
    '株式会社アオゾラabc'
    >>> search_key("髙橋サーバ－")
    '高橋サ-バ-'
    """
    # Before and after: NFKC composes what variation selectors would keep apart, and makes characters that have variants.
    text = unified(unicodedata.normalize("NFKC", unified(visible(name)).translate(_CIRCLED)))
    text = _SHORT_FORM.sub(lambda match: _FORMS[match[1]], text)
    return _BLANKS.sub("", text).casefold()
