"""What a request's arguments say, read in one way: nonsense is no argument."""

from __future__ import annotations

from collections.abc import Container
from datetime import date

from flask import request

from models.values.visible_text import visible

LARGEST_KEY = 2**63 - 1
"""The largest number a bigint column holds."""

_LAST_PAGE = 100_000
_LARGEST_PAGE_ARGUMENT = 999_999


def only_digits(text: str) -> bool:
    """Return whether a text consists of ASCII digits; ``str.isdigit`` takes those of every script."""
    return text.isascii() and text.isdecimal()


def whole_number(text: str | None, *, most: int) -> int | None:
    """Return a number from 0 to a limit, written in ASCII digits; None for any other text.

    ``int`` alone also takes signs, blanks, underscores and the digits of every script, and fails on very long texts.

    :param most: the limit; a text with more digits than it has is no number either.
    """
    if not text or not only_digits(text) or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None


def key_or_none(text: str | None) -> int | None:
    """Return the key of a row, None for what cannot be one."""
    return whole_number(text, most=LARGEST_KEY) or None


def page_number(name: str = "page") -> int:
    """Return the page that is asked for: the first one for nonsense, the last possible one for a number beyond it."""
    number = whole_number(request.args.get(name), most=_LARGEST_PAGE_ARGUMENT)
    return min(max(number or 1, 1), _LAST_PAGE)


def choice(name: str, allowed: Container[str], default: str) -> str:
    """Return an argument that must be one of a few words, the default when it is none of them."""
    value = request.args.get(name, default)
    return value if value in allowed else default


def search_text(name: str) -> str:
    """Return a search text as people see it, without surrounding blanks."""
    return visible(request.args.get(name, "")).strip()


def iso_day(text: str | None) -> date | None:
    """Return a day written as ``YYYY-MM-DD``, None for any other text."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
