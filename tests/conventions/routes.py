"""Every route of the portal with its arguments filled from a half of the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

# Not the portal's pages: files.
FILES = {"static", "appbuilder.static"}


@dataclass(frozen=True)
class Route:
    """One method of one rule."""

    endpoint: str
    method: str
    rule: str
    arguments: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def routes(app: Flask) -> list[Route]:
    """Every route, files left out."""
    return sorted(
        (
            Route(rule.endpoint, method, rule.rule, frozenset(rule.arguments))
            for rule in app.url_map.iter_rules()
            if rule.endpoint not in FILES
            for method in rule.methods - {"HEAD", "OPTIONS"}
        ),
        key=lambda route: (route.rule, route.method),
    )


def path(app: Flask, route: Route, keys: dict[str, Any]) -> str:
    """The address of a route for some keys."""
    view = route.endpoint.partition(".")[0]
    keys = keys | {name: keys[f"{view}.{name}"] for name in route.arguments if f"{view}.{name}" in keys}
    if unknown := route.arguments - keys.keys():
        pytest.fail(f"{route}: say in tests/conventions/conftest.py (Half.keys) what {sorted(unknown)} of a tenant is.")
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        return adapter.build(route.endpoint, {name: keys[name] for name in route.arguments}, method=route.method)
