"""What the routes of the portal show to somebody who only looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Flask

from tests.conventions.routes import Route, path, routes
from tests.support.pages import Page

_NO_PAGES = ("/api/", "/healthz", "/readyz", "/setup")


@dataclass(frozen=True)
class Shown:
    """What a route answered with.

    :ivar world: in which it was asked.
    """

    route: Route
    url: str
    is_page: bool
    text: str
    world: Any

    @cached_property
    def page(self) -> Page:
        """Its elements."""
        return Page(self.text)


def look(app: Flask, world: Any, role: str = "NEC Admin") -> list[Shown]:
    """What every route shows a role that opens it; an NEC Admin sees all pages there are."""
    found = []
    for route in routes(app):
        if route.method == "GET":
            url = path(app, route, world.ours.keys() | {"token": "x" * 43})
            # Buffered, because a file that is not read to its end keeps its request's session open.
            answer = world.clients[role].get(url, buffered=True)
            is_html = answer.status_code == 200 and answer.mimetype == "text/html"
            is_page = is_html and not route.rule.startswith(_NO_PAGES)
            found.append(Shown(route, url, is_page, answer.get_data(as_text=True), world))
    return found


def pages(found: list[Shown]) -> list[Shown]:
    """The pages among what was found."""
    return [each for each in found if each.is_page]
