"""What URLs may hold."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

_LARGEST = 2**63 - 1
"""The largest number a bigint column holds: a larger one is no key, and a 404 instead of the database's error."""


class KeyConverter(IntegerConverter):
    """``<key:utm_key>``: the numeric key of a row."""

    def __init__(self, url_map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(url_map, *args, max=_LARGEST, **kwargs)


def init_app(app: Flask) -> None:
    """Make the converters known to the routes."""
    app.url_map.converters["key"] = KeyConverter
