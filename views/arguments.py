"""Parsing of query parameters: an invalid value is treated as missing."""

from __future__ import annotations

from collections.abc import Container
from datetime import date

from flask import request

from models.values.visible_text import visible

LARGEST_KEY = 2**63 - 1
"""The largest value of a bigint column."""

_LAST_PAGE = 100_000
_LARGEST_PAGE_ARGUMENT = 999_999


def only_digits(text: str) -> bool:
    """Return whether a text consists of ASCII digits only; ``str.isdigit`` accepts the digits of every script."""
    return text.isascii() and text.isdecimal()


def whole_number(text: str | None, *, most: int) -> int | None:
    """Parse an integer from 0 to a limit, written in ASCII digits; return None for any other text.

    ``int`` alone also accepts signs, whitespace, underscores and the digits of every script, and raises an error on very
    long texts.

    :param most: the limit; a text with more digits than the limit is rejected too.
    """
    if not text or not only_digits(text) or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None


def key_or_none(text: str | None) -> int | None:
    """Parse the primary key of a row; return None for a text that cannot be one."""
    return whole_number(text, most=LARGEST_KEY) or None


def page_number(name: str = "page") -> int:
    """Return the requested page number: 1 for an invalid value, capped at ``_LAST_PAGE``."""
    number = whole_number(request.args.get(name), most=_LARGEST_PAGE_ARGUMENT)
    return min(max(number or 1, 1), _LAST_PAGE)


def choice(name: str, allowed: Container[str], default: str) -> str:
    """Return the value of a query parameter that must be one of the allowed values, else the default."""
    value = request.args.get(name, default)
    return value if value in allowed else default


def search_text(name: str) -> str:
    """Return a search text without invisible characters or surrounding whitespace."""
    return visible(request.args.get(name, "")).strip()


def iso_day(text: str | None) -> date | None:
    """Parse an ISO date such as ``YYYY-MM-DD``; return None for any other text."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
