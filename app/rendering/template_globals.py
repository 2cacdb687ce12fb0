"""Words and addresses in templates, looked up once per process instead of a thousand times a page.

A list of fifty alerts has close to a thousand translated words and a hundred icons: Flask-Babel asks for the language
at each word, Flask builds the address of the icons' file at each icon, and that was most of what the page cost.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

from flask import Flask, g, request, session, url_for
from flask_babel import get_translations
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from views.languages import chosen_language

_ICON = Markup('<svg class="{}" aria-hidden="true"><use href="{}#tabler-{}" /></svg>')
"""One of the symbols of static/icons.svg, hidden from screen readers: words stand beside it."""
_FORM_TOKEN = "csrf_token"  # noqa: S105  (a name)
"""Where Flask-WTF keeps a session's token before it is signed."""
_NOT_KEPT = ("choose", "filters", "picked", "utm_search")
"""Page arguments that the links of a page leave out: what is open on it, and what is searched in that."""
_ARGUMENTS = "portal.page_arguments"
"""Where a request keeps its page arguments as they stand in an address: a list has a dozen links to itself."""
_UNSORTED = "portal.unsorted_page"
"""Where it keeps the address of its page without an order: each column adds its own."""
_PLACE_IN_ORDER = ("sort", "direction", "page", "after", "before", "open")
"""Page arguments that another order makes void."""


def init_app(app: Flask) -> None:
    """Put words, icons, addresses and the token of forms into the templates of an app.

    What an app keeps is its own, per language, and is read at the first page in it.
    """

    @lru_cache(8192)
    def pattern(_language: str, text: str) -> str:
        return get_translations().ugettext(text)

    @lru_cache(8192)
    def plain(language: str, text: str) -> Markup:
        # Always a format: a percent sign is written twice, with or without variables.
        return Markup(pattern(language, text)) % {}  # noqa: S704  (our own catalogue)

    def gettext(text: str, /, **variables: Any) -> Markup:
        language = chosen_language()
        if not variables:
            return plain(language, text)
        return Markup(pattern(language, text)) % variables  # noqa: S704

    def ngettext(singular: str, plural: str, number: int, /, **variables: Any) -> Markup:
        found = get_translations().ungettext(singular, plural, number)
        return Markup(found) % {"num": number, **variables}  # noqa: S704

    def here(changes: Mapping[str, Any]) -> Markup:
        environ = request.environ
        present = environ.get(_ARGUMENTS)
        if present is None:
            pairs = request.args.items(multi=True)
            present = environ[_ARGUMENTS] = [
                (key, _argument(key, value)) for key, value in pairs if key not in _NOT_KEPT
            ]
        kept = [argument for key, argument in present if key not in changes]
        kept += [_argument(key, value) for key, value in changes.items() if value is not None]
        return Markup("?" + "&amp;".join(kept))  # noqa: S704  (quoted for an address, and so without markup)

    def sorted_by(key: str, direction: str) -> Markup:
        environ = request.environ
        present = environ.get(_UNSORTED)
        if present is None:
            present = environ[_UNSORTED] = here(dict.fromkeys(_PLACE_IN_ORDER))
        joint = "" if present == "?" else "&amp;"
        return Markup(f"{present}{joint}sort={_quoted(key)}&amp;direction={direction}")  # noqa: S704  (as of here)

    app.jinja_env.globals.update(
        {
            "_": gettext,
            "gettext": gettext,
            "ngettext": ngettext,
            "here": here,
            "sorted_by": sorted_by,
            "csrf_token": form_token,
            "form_key": form_key,
            **_of_static_files(),
        }
    )


def _of_static_files() -> dict[str, Any]:
    addresses: dict[tuple[str, str], str] = {}
    icons: dict[tuple[str, str, str], Markup] = {}

    def static_url(filename: str) -> str:
        place = (request.script_root, filename)
        if place not in addresses:
            addresses[place] = url_for("static", filename=filename)
        return addresses[place]

    def icon(name: str, classes: str = "") -> Markup:
        key = (request.script_root, name, classes)
        if key not in icons:
            icons[key] = _ICON.format(f"icon {classes}".rstrip(), static_url("icons.svg"), name)
        return icons[key]

    return {"static_url": static_url, "icon": icon}


def form_token() -> str:
    """The token of a session's forms. It has no end of its own, so that it is signed once a session and not for each page."""
    return _form_token(session[_FORM_TOKEN]) if _FORM_TOKEN in session else generate_csrf()


def form_key() -> str:
    """The one-time key of the forms of this page (``views.transaction``); empty where nobody is signed in."""
    if "identity" not in g:
        return ""
    if "form_key" not in g:
        g.form_key = secrets.token_urlsafe(12)
    return str(g.form_key)


@lru_cache(4096)
def _form_token(_of_session: str) -> str:
    return generate_csrf()


def _argument(key: str, value: Any) -> str:
    return f"{_quoted(key)}={_quoted(str(value))}"


@lru_cache(4096)
def _quoted(text: str) -> str:
    return quote_plus(text)
