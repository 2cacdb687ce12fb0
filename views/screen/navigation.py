"""Where a screen's pages are among the others: breadcrumbs, tabs, and the list to go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import current_app, g, request, url_for
from flask_babel import gettext

from views.screen.first_was_another import row_to_write

_MOST_BACK_BYTES = 1_000


class Above(NamedTuple):
    """A page that stands before a list in the breadcrumbs.

    :ivar endpoint: None for a heading that leads nowhere.
    :ivar right: the permission and the view it asks for.
    """

    label: Any
    endpoint: str | None
    right: tuple[str, str] | None


class Tab(NamedTuple):
    """A page among the tabs above a list.

    :ivar right: the permission and the view it asks for.
    """

    label: Any
    endpoint: str
    right: tuple[str, str]


@dataclass(frozen=True)
class Parent:
    """The screen whose rows another screen's rows belong to.

    :param screen: its class.
    :param column: of the rows below, which names their parent. It is the argument of their URLs as well.
    """

    screen: Any
    column: str

    @property
    def argument(self) -> str:
        """The argument of the URLs that names the parent."""
        return self.column

    def row(self, key: Any) -> Any:
        """Return the parent of a URL; 404 for one of anybody else's. A form of a deleted one leads to the parents' list."""
        screen = self.screen.of()
        return row_to_write(screen, key) if request.method == "POST" else screen.row_or_404(key)

    def key_of(self, row: Any = None) -> Any:
        """Return the key of a row's parent, of the request's when no row is given."""
        return getattr(row, self.column) if row is not None else g.parent_row.id

    def condition(self, model: Any) -> Any:
        """Return that a row belongs to the parent of the request."""
        return getattr(model, self.column) == g.parent_row.id


def may(right: tuple[str, str] | None) -> bool:
    """Return whether the person has a permission on a view; everybody has none."""
    return right is None or current_app.extensions["appbuilder"].sm.has_access(*right)


def crumbs_of(screen: Any, row: Any, leaf: Any) -> list[tuple[Any, str | None]]:
    """Return the breadcrumbs of a page, the last of them without a URL."""
    crumbs: list[tuple[Any, str | None]]
    if screen.parent is not None:
        parent = screen.parent.screen.of()
        crumbs = parent.crumbs(g.parent_row)
        crumbs[-1] = (crumbs[-1][0], parent.url_if("show", g.parent_row))
    elif screen.tenantless:
        crumbs = []
    else:
        crumbs = [(gettext("Dashboard"), url_for("HomeView.index"))]
    crumbs += [
        (each.label, url_for(each.endpoint) if each.endpoint and may(each.right) else None) for each in screen.above
    ]
    if "list" in screen.include_route_methods:
        crumbs.append((screen.labels.many, screen.list_url() if screen.may("list") else None))
    if row is not None:
        shown = "show" in screen.include_route_methods
        crumbs.append((screen.name_of(row), screen.url_if("show", row) if shown else None))
    if leaf is not None:
        crumbs.append((leaf, None))
    crumbs[-1] = (crumbs[-1][0], None)
    return crumbs


def tabs_of(screen: Any) -> list[dict[str, Any]]:
    """Return the tabs above a list that the person may open."""
    return [
        {
            "label": tab.label,
            "url": url_for(tab.endpoint),
            "active": tab.endpoint.partition(".")[0] == screen.endpoint,
        }
        for tab in screen.tabs
        if may(tab.right)
    ]


def list_arguments() -> dict[str, str]:
    """Return the arguments of the list that a page was opened from, so that one goes back to it as it was."""
    text = request.values.get("back", "")
    if not text or len(text) > _MOST_BACK_BYTES:
        return {}
    return {name: value for name, value in parse_qsl(text) if name != "back" and "\0" not in name + value}


def with_arguments(url: str, arguments: Mapping[str, str]) -> str:
    """Return a URL with page arguments that came with the request: their names may be any, ``url_for``'s own included."""
    return f"{url}?{urlencode(arguments)}"


def present_arguments() -> dict[str, str]:
    """Return the argument that takes the present list along to the pages that are opened from it."""
    text = urlencode([pair for pair in request.args.items(multi=True) if pair[0] not in {"open", "back"}])
    return {"back": text} if text and len(text) <= _MOST_BACK_BYTES else {}
