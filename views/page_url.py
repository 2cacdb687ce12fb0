"""The URL of the present page in another state: another order, another page of a list, a row opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import request

_NOT_KEPT = ("choose", "filters", "picked", "utm_search")
"""Page arguments that the links of a page leave out: which dialog is open on it, and what is searched for in that."""
_PLACE_IN_ORDER = ("sort", "direction", "page", "after", "before", "open")
"""Page arguments that mean nothing in another order."""


def here(changes: Mapping[str, Any]) -> str:
    """Return the URL of the present page with some arguments changed, relative to the page.

    :param changes: the new value of each argument; None removes the argument.
    """
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in {*_NOT_KEPT, *changes}]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    return "?" + urlencode(kept)


def sorted_by(key: str, direction: str) -> str:
    """Return the URL of the first page of the present list in another order.

    :param direction: ``asc`` or ``desc``.
    """
    return here(dict.fromkeys(_PLACE_IN_ORDER) | {"sort": key, "direction": direction})


def kept_in_another_order() -> list[tuple[str, str]]:
    """Return the arguments of the present page that a form sends with another order."""
    return [pair for pair in request.args.items(multi=True) if pair[0] not in {*_NOT_KEPT, *_PLACE_IN_ORDER}]
