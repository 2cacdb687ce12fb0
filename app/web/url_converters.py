"""Custom URL converters."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from views.arguments import LARGEST_KEY


class KeyConverter(IntegerConverter):
    """``<key:utm_key>``: the numeric ID of a row. Larger numbers give a 404 instead of a database error."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_KEY)


def init_app(app: Flask) -> None:
    """Register the converters."""
    app.url_map.converters["key"] = KeyConverter
