"""The catalogues of translated words, found by the request's language alone.

Flask-Babel works out at each word which language the request is in, and reads that off a locale's name; a page of alerts
asks for two hundred words.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_babel import Domain

from views.languages import chosen_language


class Catalogues(Domain):
    """One app's catalogues, each kept from the first word in its language on."""

    def __init__(self, domain: str) -> None:
        super().__init__(domain=domain)
        self._kept: dict[str, Any] = {}

    def get_translations(self) -> Any:
        """The catalogue of the request's language."""
        language = chosen_language()
        found = self._kept.get(language)
        if found is None:
            found = self._kept[language] = super().get_translations()
        return found


def init_app(app: Flask) -> None:
    """Let Flask-Babel translate from them, in the language the person chose."""
    babel = app.extensions["babel"]
    # FAB's own selector writes the language into every visitor's session.
    babel.locale_selector = chosen_language
    babel.instance.domain_instance = Catalogues(babel.default_domain)
