"""The message catalogues of the interface languages, loaded when the process starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel.support import NullTranslations
from flask import Flask
from flask_babel import Domain, force_locale, get_locale
from markupsafe import Markup


class LoadedCatalogues(Domain):
    """Flask-Babel's domain, holding the catalogue of each language.

    A page contains about a hundred texts. Flask-Babel's own lookup of the catalogue for each of them takes an eighth of the
    time of a page (docs/performance.md).
    """

    def __init__(self, languages: list[str]) -> None:
        """:param languages: the codes of the languages."""
        super().__init__()
        self._catalogues: dict[str, NullTranslations] = {}
        for language in languages:
            with force_locale(language):
                self._catalogues[language] = super().get_translations()

    def get_translations(self) -> NullTranslations:
        """Return the catalogue of the response's language; outside an application context, one without translations."""
        locale = get_locale()
        return NullTranslations() if locale is None else self._catalogues[locale.language]


def init_app(app: Flask) -> None:
    """Load the catalogues, and let code and templates translate with them.

    The functions for templates replace Jinja's, which are three calls deep. Their values are escaped.
    """
    with app.app_context():
        domain = LoadedCatalogues(list(app.config["LANGUAGES"]))
    app.extensions["babel"].instance.domain_instance = domain

    def translated(text: str, /, **values: Any) -> Markup:
        return _markup(domain.get_translations().ugettext(text), values)

    def translated_number(singular: str, plural: str, number: int, /, **values: Any) -> Markup:
        return _markup(domain.get_translations().ungettext(singular, plural, number), {"num": number, **values})

    app.jinja_env.globals.update({"_": translated, "gettext": translated, "ngettext": translated_number})


def _markup(message: str, values: Mapping[str, Any]) -> Markup:
    # Messages are part of the program. Most have no values, and Markup's own formatting takes longer.
    return Markup(message) % values if values else Markup(message % {})  # nosec B704  # noqa: S704
