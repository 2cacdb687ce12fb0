"""The navigation of a screen's pages: breadcrumbs, tabs, and the way back to the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import current_app, g, request, url_for
from flask_babel import gettext

from views.screen.already_done import row_to_write

_MAX_BACK_BYTES = 1_000


class Above(NamedTuple):
    """A page that precedes a list in the breadcrumbs.

    :ivar endpoint: the endpoint of the page; None for a heading without a link.
    :ivar right: the required permission and its view; None if no permission is required.
    """

    label: Any
    endpoint: str | None
    right: tuple[str, str] | None


class Tab(NamedTuple):
    """A tab above a list.

    :ivar right: the required permission and its view.
    """

    label: Any
    endpoint: str
    right: tuple[str, str]


@dataclass(frozen=True)
class Parent:
    """The parent screen of a screen, whose rows the screen's rows belong to.

    :param screen: the class of the parent screen.
    :param column: the foreign key column of the child rows. It is also the name of the argument in their URLs.
    """

    screen: Any
    column: str

    @property
    def argument(self) -> str:
        """The URL argument that contains the parent's key."""
        return self.column

    def row(self, key: Any) -> Any:
        """Return the parent row that a URL refers to; 404 if the parent screen has no such row.

        A form whose parent was deleted redirects to the list of the parents instead.
        """
        screen = self.screen.of()
        return row_to_write(screen, key) if request.method == "POST" else screen.row_or_404(key)

    def key_of(self, row: Any = None) -> Any:
        """Return the key of a row's parent, or of the request's parent row if no row is given."""
        return getattr(row, self.column) if row is not None else g.parent_row.id

    def condition(self, model: Any) -> Any:
        """Return the SQL condition that a row belongs to the parent row of the request."""
        return getattr(model, self.column) == g.parent_row.id


def may(right: tuple[str, str] | None) -> bool:
    """Return whether the user has a permission on a view; None stands for no required permission."""
    return right is None or current_app.extensions["appbuilder"].sm.has_access(*right)


def crumbs_of(screen: Any, row: Any, leaf: Any) -> list[tuple[Any, str | None]]:
    """Return the breadcrumbs of a page; the last one has no URL."""
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
    """Return the tabs above a list that the user may open."""
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
    """Return the query parameters of the list from which a page was opened, to restore its state on return."""
    text = request.values.get("back", "")
    if not text or len(text) > _MAX_BACK_BYTES:
        return {}
    return {name: value for name, value in parse_qsl(text) if name != "back" and "\0" not in name + value}


def with_arguments(url: str, arguments: Mapping[str, str]) -> str:
    """Return a URL with query parameters from the request, whose names may conflict with the arguments of ``url_for``."""
    return f"{url}?{urlencode(arguments)}"


def present_arguments() -> dict[str, str]:
    """Return the query parameter that passes the state of the current list to the pages opened from it."""
    text = urlencode([pair for pair in request.args.items(multi=True) if pair[0] not in {"open", "back"}])
    return {"back": text} if text and len(text) <= _MAX_BACK_BYTES else {}
