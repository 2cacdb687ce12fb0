"""How company names are compared: width, case and the spelling of the legal form do not matter."""

from __future__ import annotations

import re
import unicodedata

from models.values.visible_text import visible

# The usual short forms, as they are after NFKC (which turns ㈱ into (株)).
_FORMS = {"株": "株式会社", "有": "有限会社", "合": "合同会社", "同": "合同会社", "名": "合名会社", "資": "合資会社"}
_SHORT_FORM = re.compile(r"\(\s*([株有合同名資])\s*\)")
_BLANKS = re.compile(r"\s+")
# NFKC takes their circles off and leaves a mere letter.
_CIRCLED = str.maketrans({"㊑": "㈱", "㊒": "㈲", "㊔": "㈴", "㊮": "㈾"})
# Which shape of a character is meant: 葛 has two, and is typed as one.
_SHAPES = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def search_key(name: str) -> str:
    """The form of a name that part-match search compares.

    >>> search_key("㈱ アオゾラ ＡＢＣ")
    '株式会社アオゾラabc'
    """
    text = unicodedata.normalize("NFKC", _SHAPES.sub("", visible(name)).translate(_CIRCLED))
    text = _SHORT_FORM.sub(lambda match: _FORMS[match[1]], text)
    return _BLANKS.sub("", text).casefold()
