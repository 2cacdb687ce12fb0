"""Functions of every template: icons, static files, the key of forms, addresses of the present page in another state."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request, url_for
from markupsafe import Markup

_ICON = Markup('<svg class="%s" aria-hidden="true"><use href="%s#tabler-%s" /></svg>')
"""One of the symbols of static/icons.svg, hidden from screen readers: words stand beside it."""
_NOT_KEPT = ("choose", "filters", "picked", "utm_search")
"""Page arguments that the links of a page leave out: what is open on it, and what is searched in that."""
_PLACE_IN_ORDER = ("sort", "direction", "page", "after", "before", "open")
"""Page arguments that another order makes void."""


def init_app(app: Flask) -> None:
    """Put the functions into the templates of an app."""
    app.jinja_env.globals.update(
        {"here": here, "sorted_by": sorted_by, "static_url": static_url, "icon": icon, "form_key": form_key}
    )


def here(changes: Mapping[str, Any]) -> str:
    """Return the address of the present page with some arguments changed.

    :param changes: the new value of each argument; None removes the argument.
    """
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in {*_NOT_KEPT, *changes}]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    return "?" + urlencode(kept)


def sorted_by(key: str, direction: str) -> str:
    """Return the address of the first page of the present list in another order.

    :param direction: ``asc`` or ``desc``.
    """
    return here(dict.fromkeys(_PLACE_IN_ORDER) | {"sort": key, "direction": direction})


def static_url(filename: str) -> str:
    """Return the address of one of the static files."""
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
    """The one-time key of the forms of this page (``views.transaction``); empty where nobody is signed in."""
    if "identity" not in g:
        return ""
    if "form_key" not in g:
        g.form_key = secrets.token_urlsafe(12)
    return str(g.form_key)
