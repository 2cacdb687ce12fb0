"""Parses the texts of syslog messages that consist of keys and values: ``key=value key="value"``, and CEF.

The values are written by a firewall, but their texts come from users and attackers. So a text is read from left to right, and what looks
like a key within a quoted value is part of that value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A quotation mark ends a value only before a blank or the end, because some versions do not escape those within a value. The quantifiers
# are possessive, so that a hostile text takes no more than linear time.
_PAIR = re.compile(
    r"""(?<![^ \t])([A-Za-z][\w.-]{0,63})="""
    r"""(?:"((?:[^"\\]|\\.|"(?=[^ \t]))*+)(?:"(?=[ \t]|\Z)|(\\?\Z))|([^ \t"][^ \t]*+|(?=[ \t]|\Z)))""",
    re.ASCII | re.DOTALL,
)
_ESCAPED = re.compile(r"""\\(["\\])""")
_CEF_KEY = re.compile(r"(?:^| )([A-Za-z][\w.-]{0,63})=", re.ASCII)
_CEF_ESCAPED = re.compile(r"\\([\\=nr])")
_CEF_LETTERS = {"n": "\n", "r": "\r"}

Pair = tuple[str, str | None]


def key_values(text: str) -> Iterator[Pair]:
    """Yield keys and values; the value is None if the text ends within it.

    Text that belongs to no key is skipped, as are quotation marks and backslashes with which the firewall escaped a value.
    """
    for found in _PAIR.finditer(text):
        key, quoted, cut_off, bare = found.groups()
        if cut_off is not None:
            yield key, None
        elif quoted is not None and "\\" in quoted:
            yield key, _ESCAPED.sub(r"\1", quoted)
        else:
            yield key, bare if quoted is None else quoted


def cef_values(text: str) -> Iterator[Pair]:
    """Yield keys and values of a CEF extension. Values have no quotation marks and may contain blanks; equals signs in them are escaped."""
    keys = list(_CEF_KEY.finditer(text))
    ends = [following.start() for following in keys[1:]] + [len(text)]
    for found, end in zip(keys, ends, strict=False):
        value = text[found.end() : end]
        yield found[1], _CEF_ESCAPED.sub(lambda match: _CEF_LETTERS.get(match[1], match[1]), value).strip(" ")


def merged(pairs: Iterator[Pair], first_counts: frozenset[str]) -> tuple[dict[str, str], set[str]]:
    """Return the values by key, and the keys that occur with different values, which have none.

    Such a key comes from a text that was not escaped: it is unknown which value is the firewall's and which the attacker's.

    :param first_counts: keys that the firewall writes before any text of others, of which the first value is its own.
    """
    values: dict[str, str] = {}
    doubtful: set[str] = set()
    for key, value in pairs:
        if value is None:
            continue
        if values.setdefault(key, value) != value and key not in first_counts:
            doubtful.add(key)
    return {key: value for key, value in values.items() if key not in doubtful}, doubtful
