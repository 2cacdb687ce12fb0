"""Converts values of a record to values that the portal can store."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

_SPACE = re.compile(r"[\t\r\n]+")
# NUL and lone surrogates; bytes that are not valid UTF-8 are decoded to the latter.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x1f\x7f-\x9f]")
# Maximum lengths of texts in the portal, in characters. Longer texts are cut, so that the alert is not rejected.
_LIMITS = {"url": 2048, "act": 32, "src-mac": 64, "dst-mac": 64, "src-ip": 64, "dst-ip": 64} | dict.fromkeys(
    ("msg", "virus", "file", "subject", "cname", "app"), 512
)
LIMIT = 255
MAX_PORT = 65535


def cleaned(fields: dict[str, Any]) -> dict[str, str | int]:
    """Return the fields whose values can be stored, with texts that can be stored and displayed."""
    values = ((key, clean(value, _LIMITS.get(key, LIMIT))) for key, value in fields.items())
    return {key: value for key, value in values if value is not None}


def clean(value: object, limit: int) -> str | int | None:
    """Return a text without characters that cannot be stored or displayed, cut to ``limit`` characters, or an integer.

    None if the text is empty or the value is neither a text nor an integer.
    """
    if isinstance(value, str):
        if not value.isprintable():
            value = _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", _SPACE.sub(" ", value))
            value = _CONTROL.sub("", value)
        return value.strip()[:limit] or None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def is_ip_address(value: object) -> bool:
    """Whether a value is an IP address; the portal rejects an alert with an invalid one."""
    return isinstance(value, str) and _is_ip_address_text(value)


@lru_cache(16_384)
def _is_ip_address_text(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return False
    return True
