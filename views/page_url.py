"""The URL of the current page in another state: a different sort order, another page of a list, a row expanded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import request

_NOT_KEPT = ("choose", "filters", "picked", "utm_search")
"""Query parameters that the links of a page omit: the open dialog or menu, and the selection and search within it."""
_PLACE_IN_ORDER = ("sort", "direction", "page", "after", "before", "open")
"""Query parameters that become meaningless when the sort order changes."""


def here(changes: Mapping[str, Any]) -> str:
    """Return the URL of the current page with some query parameters changed, relative to the page.

    :param changes: the new value of each parameter; None removes the parameter.
    """
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in {*_NOT_KEPT, *changes}]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    return "?" + urlencode(kept)


def sorted_by(key: str, direction: str) -> str:
    """Return the URL of the first page of the current list in another sort order.

    :param direction: ``asc`` or ``desc``.
    """
    return here(dict.fromkeys(_PLACE_IN_ORDER) | {"sort": key, "direction": direction})


def arguments_kept_on_sort() -> list[tuple[str, str]]:
    """Return the arguments of the present page that a form sends with another order."""
    return arguments_kept(*_PLACE_IN_ORDER)


def arguments_kept(*without: str) -> list[tuple[str, str]]:
    """Return the arguments of the current page that a form sends with others.

    :param without: the arguments that the form replaces.
    """
    return [pair for pair in request.args.items(multi=True) if pair[0] not in {*_NOT_KEPT, *without}]
