"""Custom URL converters."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from views.arguments import LARGEST_KEY


class KeyConverter(IntegerConverter):
    """``<key:utm_key>``: the numeric ID of a row. Larger numbers give a 404 instead of a database error."""

    def __init__(self, url_map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(url_map, *args, max=LARGEST_KEY, **kwargs)


def init_app(app: Flask) -> None:
    """Register the converters."""
    app.url_map.converters["key"] = KeyConverter
