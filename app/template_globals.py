"""Words and addresses in templates, looked up once per process instead of a thousand times a page.

A list of fifty alerts has close to a thousand translated words and a hundred icons: Flask-Babel asks for the language
at each word, Flask builds the address of the icons' file at each icon, and that was most of what the page cost.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import flask_babel
from flask import Flask, request, url_for
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from views.languages import chosen_language


def init_app(app: Flask) -> None:
    """Put ``_``, ``gettext``, ``ngettext`` and ``static_url`` into the templates of an app.

    What an app keeps is its own, per language, and is read at the first page in it.
    """
    addresses: dict[tuple[str, str], str] = {}

    @cache
    def catalogue(_language: str) -> Any:
        return flask_babel.get_domain().get_translations()

    @lru_cache(8192)
    def pattern(language: str, text: str) -> str:
        return catalogue(language).ugettext(text)

    @lru_cache(8192)
    def plain(language: str, text: str) -> Markup:
        # Always a format: a percent sign is written twice, with or without variables.
        return Markup(pattern(language, text)) % {}  # noqa: S704  (our own catalogue)

    @pass_eval_context
    def gettext(context: EvalContext, text: str, /, **variables: Any) -> str:
        language = chosen_language()
        if not variables:
            return plain(language, text) if context.autoescape else str(plain(language, text))
        found = pattern(language, text)
        return (Markup(found) if context.autoescape else found) % variables  # noqa: S704

    @pass_eval_context
    def ngettext(context: EvalContext, singular: str, plural: str, number: int, /, **variables: Any) -> str:
        found = catalogue(chosen_language()).ungettext(singular, plural, number)
        return (Markup(found) if context.autoescape else found) % {"num": number, **variables}  # noqa: S704

    def static_url(filename: str) -> str:
        place = (request.script_root, filename)
        if place not in addresses:
            addresses[place] = url_for("static", filename=filename)
        return addresses[place]

    app.jinja_env.globals.update({"_": gettext, "gettext": gettext, "ngettext": ngettext, "static_url": static_url})
