"""The search field in the header: its suggestions while the user types, and the page of results.

Searching requires the permission for the list of customers; finding a kind of row also requires that for its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, g, jsonify, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext, lazy_gettext, ngettext

from models.db import db
from models.search import search
from models.search.search import LONGEST_TEXT, Found, Kind
from views.arguments import search_text
from views.base import PortalView, render, url_if
from views.screen import formats
from views.screen.formats import Format
from views.screen.navigation import may
from views.screen.table import Empty, Table, filled_table

SUGGESTED = 5
"""The maximum number of suggestions of each kind."""

RIGHTS_OF_KINDS = {
    Kind.CUSTOMERS: (("can_list", "Customers"), ("can_show", "Customers")),
    Kind.CONTRACTS: (("can_show", "Contracts"),),
    Kind.UTMS: (("can_show", "Utms"),),
}
"""The permissions that a user needs to find rows of a kind."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How the rows found of a kind are displayed.

    :param label: the label of the kind.
    :param url: returns the URL of a row's page.
    :param columns: the label, format and value of each column.
    :param links: how many of the first columns link to the row's page.
    """

    label: Any
    url: Callable[[Any], str]
    columns: tuple[tuple[Any, Format, Callable[[Any], Any]], ...]
    links: int = 1


def _contact(row: Any) -> str:
    return f"{row.contact_last_name} {row.contact_first_name}".strip()


SHOWN = {
    Kind.CUSTOMERS: Shown(
        lazy_gettext("Customer"),
        lambda row: url_for("CustomerView.show", customer_id=row.id),
        (
            (lazy_gettext("Company name"), formats.TEXT, lambda row: row.name),
            (lazy_gettext("Company ID"), formats.CODE, lambda row: row.id),
            (lazy_gettext("Contact name"), formats.TEXT, _contact),
            (lazy_gettext("Phone number"), formats.WORD, lambda row: row.contact_phone),
        ),
        links=2,
    ),
    Kind.CONTRACTS: Shown(
        lazy_gettext("Contract"),
        lambda row: url_for("ContractView.show", customer_id=row.customer_id, contract_id=row.id),
        (
            (lazy_gettext("Contract number"), formats.CODE, lambda row: row.id),
            (lazy_gettext("Company name"), formats.TEXT, lambda row: row.customer_name),
            (lazy_gettext("Product"), formats.TEXT, lambda row: row.name),
        ),
    ),
    Kind.UTMS: Shown(
        lazy_gettext("UTM"),
        lambda row: url_for("UtmView.show", customer_id=row.customer_id, utm_key=row.id),
        (
            (lazy_gettext("UTM ID"), formats.CODE, lambda row: row.utm_id),
            (lazy_gettext("UTM name"), formats.TEXT, lambda row: row.name),
            (lazy_gettext("Company name"), formats.TEXT, lambda row: row.customer_name),
            (lazy_gettext("Serial number"), formats.CODE, lambda row: row.serial),
        ),
    ),
}


class SearchView(PortalView):
    """検索: customers, contracts and UTMs of the selected tenant."""

    route_base = "/search"
    class_permission_name = "Customers"

    @expose("/")
    @has_access
    @permission_name("list")
    def search(self) -> str:
        """Show the rows that match a text, by kind."""
        text = search_text("q")
        too_long = len(text) > LONGEST_TEXT
        found = _find(text, shown=search.SHOWN)
        return render(
            "search/results.html",
            crumbs=[(gettext("Dashboard"), url_for("HomeView.index")), (gettext("Search"), None)],
            tables=[_table(kind, each) for kind, each in found.items()],
            empty=None if found or not text or too_long else nothing_found(),
            error=gettext("Enter %(most)s characters or fewer.", most=LONGEST_TEXT) if too_long else None,
        )

    @expose("/suggestions")
    @has_access
    @permission_name("list")
    def suggestions(self) -> Response:
        """Return the first rows of each kind as JSON, for the script of the search field."""
        text = search_text("q")
        found = _find(text, shown=SUGGESTED)
        count = sum(each.count for each in found.values())
        more = count > sum(len(each.rows) for each in found.values())
        return jsonify(
            groups=[
                {"label": str(SHOWN[kind].label), "options": [_option(SHOWN[kind], row) for row in each.rows]}
                for kind, each in found.items()
            ],
            status=_counted(count),
            more={"label": gettext("Show all results"), "url": url_for("SearchView.search", q=text)} if more else None,
        )


def user_key() -> str:
    """Return the key of the rate limit: the user, because colleagues share an IP address."""
    return f"user {g.identity.user.id}"


def search_field() -> dict[str, str] | None:
    """Return the URLs and the current text of the header's search field; None if the user may not search."""
    url = url_if("can_list", "Customers", "SearchView.search")
    if url is None:
        return None
    text = search_text("q") if request.endpoint == "SearchView.search" else ""
    return {"url": url, "suggestions_url": url_for("SearchView.suggestions"), "text": text}


def _find(text: str, *, shown: int) -> Mapping[Kind, Found]:
    if not text or len(text) > LONGEST_TEXT:
        return {}
    kinds = [kind for kind, rights in RIGHTS_OF_KINDS.items() if all(map(may, rights))]
    return search.find(db.session(), text, kinds=kinds, shown=shown)


def _table(kind: Kind, found: Found) -> Table:
    shown = SHOWN[kind]
    columns = [_linked(shown, *each) for each in shown.columns[: shown.links]] + [*shown.columns[shown.links :]]
    table = filled_table(columns, found.rows, title=shown.label)
    table.count = found.count
    if found.count > len(found.rows):
        table.note = gettext(
            "%(count)s were found. Up to %(most)s are shown.", count=f"{found.count:,}", most=len(found.rows)
        )
    return table


def _linked(shown: Shown, label: Any, cell_format: Format, value: Any) -> tuple[Any, Format, Any]:
    """Return a column whose cells link to the page of their row."""
    cell = Format(lambda row: formats.linked(shown.url(row), cell_format.cell(value(row))), css=cell_format.css)
    return label, cell, lambda row: row


def _option(shown: Shown, row: Any) -> dict[str, str]:
    label, *details = (str(value(row)) for _, _, value in shown.columns)
    return {"label": label, "detail": " / ".join(each for each in details if each), "url": shown.url(row)}


def _counted(count: int) -> str:
    if not count:
        return gettext("Nothing was found.")
    return ngettext("%(count)s was found.", "%(count)s were found.", count, count=f"{count:,}")


def nothing_found() -> Empty:
    """Return the message in place of results."""
    return Empty(
        "search-off",
        gettext("Nothing was found."),
        gettext("Part of a name is enough. For a number, enter four characters or more."),
    )
