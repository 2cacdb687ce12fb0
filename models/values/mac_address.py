"""MAC addresses in the notations that devices and their makers use."""

from __future__ import annotations

import re
import unicodedata

from models.values.phone import plain_hyphens

_BETWEEN = re.compile(r"[\s:.\-_]+")
_GROUPS = re.compile(r"[0-9a-f]+(?:[\s:.\-_]+[0-9a-f]+)*")
_DIGITS = 12
_PAIRS = 6


def mac_address(text: str) -> str | None:
    """A MAC address in the one notation in which they are stored and compared, None when the text is none.

    Colons, hyphens, dots or blanks may stand between its parts, or nothing; single digits may have lost their zero.

    >>> mac_address("A1B2.C3D4.E5F6")
    'a1:b2:c3:d4:e5:f6'
    >>> mac_address("0:1b:2:c3:4:d5")
    '00:1b:02:c3:04:d5'
    """
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if not _GROUPS.fullmatch(plain):
        return None
    groups = _BETWEEN.split(plain)
    width = _DIGITS // len(groups)
    digits = "".join(group.rjust(width, "0") for group in groups)
    if len(groups) not in {1, 2, 3, 6} or len(digits) != _DIGITS or (len(groups) == 1 and len(plain) != _DIGITS):
        return None
    return ":".join(digits[start : start + 2] for start in range(0, _DIGITS, 2))


def mac_digits(text: str) -> str:
    """Return a MAC address, or a part of one, in any notation as a UTM ID is stored: in lower case, without separators.

    Only of six groups, a single digit has lost its zero: fewer groups are a part, whose last digit may be missing.

    >>> mac_digits("0:1B:2:C3:4:D5")
    '001b02c304d5'
    >>> mac_digits("C3_4")
    'c34'
    """
    groups = _BETWEEN.split(plain_hyphens(text).strip().lower())
    if len(groups) == _PAIRS and all(groups):
        groups = [group.rjust(2, "0") for group in groups]
    return "".join(groups)
