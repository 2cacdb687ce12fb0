"""The message catalogues of the interface languages, loaded when the process starts."""

from __future__ import annotations

from typing import Any

from babel.support import NullTranslations
from flask import Flask
from flask_babel import Domain, force_locale, get_locale


class LoadedCatalogues(Domain):
    """Flask-Babel's domain with the catalogue of each language at hand.

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
    """Load the catalogues, and let templates and code translate with them."""
    with app.app_context():
        domain = LoadedCatalogues(list(app.config["LANGUAGES"]))
    app.extensions["babel"].instance.domain_instance = domain
    # Flask-Babel's own functions for templates look for the domain with each text.
    environment: Any = app.jinja_env
    environment.install_gettext_callables(
        lambda text: domain.get_translations().ugettext(text),
        lambda singular, plural, number: domain.get_translations().ungettext(singular, plural, number),
        newstyle=True,
    )
