"""Words and addresses in templates, looked up once per process instead of a thousand times a page.

A list of fifty alerts has close to a thousand translated words and a hundred icons: Flask-Babel asks for the language
at each word, Flask builds the address of the icons' file at each icon, and that was most of what the page cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

from flask import Flask, request, url_for
from flask_babel import get_translations
from markupsafe import Markup

from views.languages import chosen_language

_ICON = Markup('<svg class="{}" aria-hidden="true"><use href="{}#tabler-{}" /></svg>')
"""One of the symbols of static/icons.svg, hidden from screen readers: words stand beside it."""
_NOT_KEPT = ("choose", "filters", "utm_search")
"""Page arguments that the links of a page leave out: what is open on it, and what is searched in that."""
_ARGUMENTS = "portal.page_arguments"
"""Where a request keeps its page arguments as they stand in an address: a list has a dozen links to itself."""


def init_app(app: Flask) -> None:
    """Put ``_``, ``gettext``, ``ngettext``, ``here``, ``icon`` and ``static_url`` into the templates of an app.

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

    app.jinja_env.globals.update(
        {"_": gettext, "gettext": gettext, "ngettext": ngettext, "here": here, **_of_static_files()}
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


def _argument(key: str, value: Any) -> str:
    return f"{_quoted(key)}={_quoted(str(value))}"


@lru_cache(4096)
def _quoted(text: str) -> str:
    return quote_plus(text)
