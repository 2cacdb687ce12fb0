"""Functions for all templates: icons, URLs of static files and of variants of the current page, and form keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask, g, url_for
from flask_babel import gettext
from markupsafe import Markup, escape

from app.web.registers import register
from views import form_draft
from views.forms.errors import error_list
from views.page_url import arguments_kept_on_sort, here, sorted_by
from views.register import SharedLink


def init_app(app: Flask) -> None:
    """Register the functions as template globals."""
    app.jinja_env.globals.update(
        {
            "here": here,
            "sorted_by": sorted_by,
            "arguments_kept_on_sort": arguments_kept_on_sort,
            "static_url": static_url,
            "icon": icon,
            "form_key": form_key,
            "window_title": window_title,
            "page_name": page_name,
            "shared_links": shared_links,
        }
    )
    app.jinja_env.filters["error_list"] = error_list


def static_url(filename: str) -> str:
    """Return the URL of a static file."""
    return url_for("static", filename=filename)


def icon(name: str, classes: str = "") -> Markup:
    """Return the markup of an icon, a symbol from static/icons.svg.

    It is hidden from screen readers because it always has text beside it.

    :param name: the symbol's name without its prefix.
    :param classes: further CSS classes.
    """
    # A page may contain a hundred icons: the URL is built once, and Markup's own formatting takes five times as long.
    url = g.get("icons_url")
    if url is None:
        url = g.icons_url = escape(static_url("icons.svg"))
    css = escape(f"icon {classes}") if classes else "icon"
    svg = f'<svg class="{css}" aria-hidden="true"><use href="{url}#tabler-{escape(name)}" /></svg>'
    return Markup(svg)  # nosec B704  # noqa: S704  (its parts are escaped)


def window_title(
    title: Markup,
    crumbs: Iterable[tuple[Any, str | None]],
    asking_page: str = "",
    details: Iterable[str] = (),
) -> Markup:
    """Return the window title: the page's title and those of the pages above it, for example the customer's name.

    It is kept for ``page_name``.

    :param title: the page's title, as markup.
    :param crumbs: label and URL of each breadcrumb; the dashboard, which is above all pages, is omitted.
    :param asking_page: the window title of the page that asks the question of this page.
    :param details: what the page's row has besides its name, so that no other page has the same title.
    """
    parts = [Markup(" ").join(title.split()), *map(escape, details)]
    dashboard = gettext("Dashboard")
    for label, _ in reversed([*crumbs]):
        # The title of a form repeats the name of its row.
        if label != dashboard and not any(escape(label) in each for each in parts):
            parts.append(escape(label))
    found = Markup(" - ").join([*parts, asking_page] if asking_page else parts)
    g.page_name = found.unescape()
    return found


def page_name() -> str:
    """Return the window title of the current page as text, which a form sends with its question."""
    return str(g.get("page_name", ""))


def form_key() -> str:
    """Return the one-time key of the page's forms (``views.transaction``), empty without a signed-in user."""
    if "identity" not in g:
        return ""
    if "form_key" not in g:
        g.form_key = form_draft.new_key(g.identity.user.id)
    return str(g.form_key)


def shared_links(customer: Any) -> list[SharedLink]:
    """Return the links of a customer's page that the partner passes on to the customer."""
    return register().shared_links_of(customer)
