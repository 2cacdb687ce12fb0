"""全テナントのUTM: the UTMs of all tenants, for NEC's staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from models.errors import N_
from models.tenants.tenant import tenant_names
from models.utms.utm import Utm
from views.screen import formats
from views.screen.filters import IdPart
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.table import ICON_BUTTON, Button, Table
from views.transaction import cross_tenant_session
from views.utms.all_utms import FleetList, fleet_filters, versions_of

_REASON = "NEC's staff look after the UTMs of all tenants"


class StaffUtmListView(FleetList):
    """The UTMs of all tenants that are not removed. A button opens a UTM's customer in its tenant."""

    labels = Labels(
        lazy_gettext("UTM"),
        lazy_gettext("UTMs of all tenants"),
        "router",
        {"empty": N_("There is no UTM yet."), "show_all": N_("Show all UTMs")},
    )
    route_base = "/staff/utms"
    class_permission_name = "AllUtms"
    tenantless = True
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    list_columns: ClassVar = ["utm_id", "name", "tenant", "customer", "state", "firmware", "alert_count"]
    # The alerts of all tenants are not added up for a file or an order: there are too many.
    order_columns: ClassVar = ["utm_id", "name", "tenant", "customer", "state", "firmware"]
    file_columns: ClassVar = [
        *("utm_id", "name", "tenant_id", "tenant_name", "customer_id", "customer.name", "state", "last_seen_at"),
        *("firmware", "serial", "postcode", "prefecture", "address"),
    ]
    filters = (
        IdPart("tenant_id", lazy_gettext("Tenant ID"), most=8, beside=True),
        *fleet_filters(lambda: versions_of(cross_tenant_session(_REASON))),
    )
    label_columns: ClassVar = {
        **FleetList.label_columns,
        "tenant": lazy_gettext("Tenant"),
        "tenant_id": lazy_gettext("Tenant ID"),
        "tenant_name": lazy_gettext("Tenant name"),
    }
    formatters_columns: ClassVar = {**FleetList.formatters_columns, "tenant_name": formats.TEXT}

    def rows_session(self) -> Session:
        """Return the session that reads the UTMs of all tenants."""
        return cross_tenant_session(_REASON)

    def table(self, rows: Sequence[Utm], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of UTMs with the names of their tenants."""
        g.tenant_names = tenant_names(self.rows_session())
        return super().table(rows, columns, **options)

    def prepare_file(self, session: Session) -> None:
        """Read the names of the tenants too."""
        g.tenant_names = tenant_names(session)
        super().prepare_file(session)

    def value(self, row: Utm, name: str) -> Any:
        """Return what a column shows of a UTM."""
        match name:
            case "tenant":
                return f"{row.tenant_id} {g.tenant_names.get(row.tenant_id, '')}"
            case "tenant_name":
                return g.tenant_names.get(row.tenant_id)
            case _:
                return super().value(row, name)

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query in an order: by tenant means by its ID."""
        return super().ordered(query, "tenant_id" if sort == "tenant" else sort, direction)

    def buttons(self, row: Utm, back: dict[str, str]) -> list[Button]:
        """Return the button that opens the UTM's customer in its tenant."""
        name = gettext("Open %(name)s in its tenant", name=row.customer.name)
        values = {"tenant_id": row.tenant_id, "customer_id": row.customer_id}
        return [Button("", url_for("TenantView.open"), "building", name, values, css=ICON_BUTTON)]
