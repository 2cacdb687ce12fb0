"""Text as people see it: without characters that nobody sees, or that turn the others round.

They come along with what is copied from elsewhere. Kept, they make names that look empty or like another's, that no
search finds, and sentences that run backwards.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_FLAG = "\U0001f3f4"
_EMOJI_ENDS = {"So", "Sk"}
_EMOJI_STARTS = {"So", "Sm"}
_VARIATION = "\ufe0f"
# Co is not among them: fonts of Japan have rare characters of names there.
_UNSEEN = {"Cc", "Cf", "Cs", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"}
# Letters and symbols by their class, blank on every screen.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def visible(text: str) -> str:
    """A text without its invisible characters. What joins emoji stays, as do variation selectors.

    >>> visible("青\u200b空\u202e")
    '青空'
    """
    around = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return "".join(char for before, char, after in around if _stays(before, char, after))


def shows(text: str) -> bool:
    """Whether there is anything to see in a text."""
    return any(unicodedata.category(char) not in _UNSEEN for char in text if char not in _BLANK)


def _stays(before: str, char: str, after: str) -> bool:
    if unicodedata.category(char) != "Cf":
        return True
    if char == _JOINER:
        ends = before == _VARIATION or unicodedata.category(before) in _EMOJI_ENDS
        return ends and unicodedata.category(after) in _EMOJI_STARTS
    # The flags of England, Scotland and Wales are spelt in letters that do not show.
    return _is_tag(char) and (before == _FLAG or _is_tag(before))


def _is_tag(char: str) -> bool:
    return "\U000e0020" <= char <= "\U000e007f"
