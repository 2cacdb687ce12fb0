"""Functions of every template: icons, static files, the key of forms, URLs of the present page in another state."""

from __future__ import annotations

from flask import Flask, g, url_for
from markupsafe import Markup

from views import form_draft
from views.forms.errors import error_list
from views.page_url import here, sorted_by

_ICON = Markup('<svg class="%s" aria-hidden="true"><use href="%s#tabler-%s" /></svg>')
"""One of the symbols of static/icons.svg, hidden from screen readers: words stand beside it."""


def init_app(app: Flask) -> None:
    """Register the functions as template globals."""
    app.jinja_env.globals.update(
        {"here": here, "sorted_by": sorted_by, "static_url": static_url, "icon": icon, "form_key": form_key}
    )
    app.jinja_env.filters["error_list"] = error_list


def static_url(filename: str) -> str:
    """Return the URL of one of the static files."""
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
        g.form_key = form_draft.new_key(g.identity.user.id)
    return str(g.form_key)
