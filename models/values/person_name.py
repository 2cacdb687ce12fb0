"""Normalize personal names for comparison: blanks, width, case and character variants are ignored."""

from __future__ import annotations

import re
import unicodedata

from models.values.characters import unified
from models.values.visible_text import visible

_BLANKS = re.compile(r"\s+")


def person_key(name: str) -> str:
    """Return the normalized form of a name for substring search; the database computes it for stored names.

    >>> person_key("髙橋　花子")
    '高橋花子'
    """
    return _BLANKS.sub("", unified(unicodedata.normalize("NFKC", unified(visible(name))))).lower()
