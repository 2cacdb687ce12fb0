"""Template globals: icons, static files, form keys and URLs of the current page with changed query parameters."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request, url_for
from markupsafe import Markup

_ICON = Markup('<svg class="%s" aria-hidden="true"><use href="%s#tabler-%s" /></svg>')
"""A symbol of static/icons.svg, hidden from screen readers because there is always a text beside it."""
_DROPPED_PARAMETERS = ("choose", "filters", "picked", "utm_search")
"""Query parameters that links on a page do not keep: the open dialog and the search in it."""
_ORDER_PARAMETERS = ("sort", "direction", "page", "after", "before", "open")
"""Query parameters that are no longer valid when the order changes."""


def init_app(app: Flask) -> None:
    """Register the functions as template globals."""
    app.jinja_env.globals.update(
        {"here": here, "sorted_by": sorted_by, "static_url": static_url, "icon": icon, "form_key": form_key}
    )


def here(changes: Mapping[str, Any]) -> str:
    """Return the URL of the current page with some query parameters changed.

    :param changes: the new value of each parameter; None removes the parameter.
    """
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in {*_DROPPED_PARAMETERS, *changes}]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    return "?" + urlencode(kept)


def sorted_by(key: str, direction: str) -> str:
    """Return the URL of the first page of the current list in another order.

    :param direction: ``asc`` or ``desc``.
    """
    return here(dict.fromkeys(_ORDER_PARAMETERS) | {"sort": key, "direction": direction})


def static_url(filename: str) -> str:
    """Return the URL of a static file."""
    return url_for("static", filename=filename)


def icon(name: str, classes: str = "") -> Markup:
    """Return the markup of an icon.

    :param name: the symbol's name without its prefix.
    :param classes: further CSS classes.
    """
    if "icons_url" not in g:  # one page has a hundred of them
        g.icons_url = static_url("icons.svg")
    return _ICON % (f"icon {classes}".rstrip(), g.icons_url, name)


def form_key() -> str:
    """Return the one-time key of the page's forms (``views.transaction``), empty if nobody is signed in."""
    if "identity" not in g:
        return ""
    if "form_key" not in g:
        g.form_key = secrets.token_urlsafe(12)
    return str(g.form_key)
