"""全テナント検索: customers, contracts and UTMs of all tenants, for NEC staff. A button opens a row in its tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext

from models.db import db
from models.search import search
from models.search.search import LONGEST_TEXT, Found, Kind
from models.tenants.tenant import tenant_names
from views.arguments import search_text
from views.base import PortalView, render
from views.screen import formats
from views.screen.filters import Filter, Search
from views.screen.table import ICON_BUTTON, Button, Table, filled_table
from views.search.search import SHOWN, nothing_found
from views.transaction import cross_tenant_session

_REASON = "NEC's staff search all tenants"
_LABEL = lazy_gettext("Search text")
_HELP = lazy_gettext(
    "Finds customers by company name, phone number or contact person, contracts by number, and UTMs by name, UTM ID,"
    " serial number or MAC address."
)
_OPENED: Mapping[Kind, Callable[[Any], dict[str, str]]] = {
    Kind.CUSTOMERS: lambda row: {"customer_id": row.id},
    Kind.CONTRACTS: lambda row: {"customer_id": row.customer_id, "contract_id": row.id},
    Kind.UTMS: lambda row: {"customer_id": row.customer_id, "utm_key": str(row.id)},
}
"""What the form that opens a row says, besides the tenant."""


class StaffSearchView(PortalView):
    """The search across all tenants."""

    route_base = "/staff/search"
    class_permission_name = "StaffSearch"
    tenantless = True

    @expose("/")
    @has_access
    def list(self) -> str:
        """Show the rows of all tenants that match a text, by kind."""
        text = search_text("text")
        error = gettext("Enter %(most)s characters or fewer.", most=LONGEST_TEXT) if len(text) > LONGEST_TEXT else None
        found: Mapping[Kind, Found] = {}
        if text and not error:
            found = search.find(cross_tenant_session(_REASON), text, kinds=list(Kind), utm_names=True)
        field = Filter("text", _LABEL, text, help=_HELP, error=error, beside=True, wide=True)
        tenants = tenant_names(db.session()) if found else {}
        return render(
            "search/staff_results.html",
            search=Search([field]),
            conditions=[(_LABEL, text)] if text else [],
            tables=[_table(kind, each, tenants) for kind, each in found.items()],
            empty=nothing_found() if text and not error and not found else None,
        )


def _table(kind: Kind, found: Found, tenants: Mapping[str, str]) -> Table:
    shown = SHOWN[kind]
    tenant = (
        gettext("Tenant"),
        formats.TEXT,
        lambda row: f"{row.tenant_id} {tenants.get(row.tenant_id, '')}",
    )
    table = filled_table(
        [*shown.columns, tenant], found.rows, title=shown.label, buttons=lambda row: [_open(kind, row)]
    )
    table.count = found.count
    if found.count > len(found.rows):
        table.note = gettext(
            "%(count)s were found. Up to %(most)s are shown.", count=f"{found.count:,}", most=len(found.rows)
        )
    return table


def _open(kind: Kind, row: Any) -> Button:
    values = {"tenant_id": row.tenant_id, **_OPENED[kind](row)}
    name = gettext("Open %(name)s in its tenant", name=row.utm_id if kind == Kind.UTMS else row.id)
    return Button("", url_for("TenantView.open"), "external-link", name, values, css=ICON_BUTTON)
