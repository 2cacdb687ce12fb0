"""Remove invisible characters and bidirectional controls from text.

Such characters come along with copied text. If they were stored, names could look empty or identical to other names, a
search would not find them, and sentences could run backwards.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_FLAG = "\U0001f3f4"
_EMOJI_ENDS = {"So", "Sk"}
_EMOJI_STARTS = {"So", "Sm"}
_VARIATION = "\ufe0f"
# Not Co: Japanese fonts use private-use characters for rare characters in names.
_UNSEEN = {"Cc", "Cf", "Cs", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"}
# Letters and symbols by category, but rendered as blanks.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def visible(text: str) -> str:
    """Return a text without its invisible characters, but with emoji joiners and variation selectors.

    >>> visible("青\u200b空\u202e")
    '青空'
    """
    around = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return "".join(char for before, char, after in around if _stays(before, char, after))


def shows(text: str) -> bool:
    """Whether a text contains any visible characters."""
    return any(unicodedata.category(char) not in _UNSEEN for char in text if char not in _BLANK)


def _stays(before: str, char: str, after: str) -> bool:
    if unicodedata.category(char) != "Cf":
        return True
    if char == _JOINER:
        ends = before == _VARIATION or unicodedata.category(before) in _EMOJI_ENDS
        return ends and unicodedata.category(after) in _EMOJI_STARTS
    # The flags of England, Scotland and Wales are encoded with invisible tag characters.
    return _is_tag(char) and (before == _FLAG or _is_tag(before))


def _is_tag(char: str) -> bool:
    return "\U000e0020" <= char <= "\U000e007f"
