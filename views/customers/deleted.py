"""削除済みの顧客: the deleted customers of all tenants, for NEC staff, who can restore them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g, request
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.actor import Actor
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.errors import N_
from models.tenants.tenant import Tenant
from models.values.company_name import search_key
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.filters import IdPart, Part, Search, read_search
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.screen.table import Button, Table
from views.transaction import cross_tenant_session

_REASON = "NEC's staff restore customers of every tenant"


class _AcrossTenants:
    """The rule for restoring, in the session that reads the customers of all tenants."""

    @staticmethod
    def restore(_session: Session, row: Customer, *, by: Actor) -> None:
        """Restore a customer."""
        customer_rules.restore(cross_tenant_session(_REASON), row, by=by)


class DeletedCustomerView(Screen):
    """The list of the deleted customers, newest first."""

    datamodel = PortalInterface(Customer)
    rules = _AcrossTenants
    labels = Labels(
        lazy_gettext("customer"),
        lazy_gettext("Deleted customers"),
        "trash",
        {
            "empty": N_("No customer has been deleted."),
            "empty_hint": N_("Customers that a tenant deletes are listed here."),
            "show_all": N_("Show all deleted customers"),
            "ask_restore": N_(
                "%(name)s will be restored. Its portal users stay deleted and have to be created anew. Are you sure?"
            ),
        },
    )
    methods = frozenset({"list", "restore"})
    route_base = "/staff/deleted-customers"
    row_rule = "<string:deleted_customer_id>"
    class_permission_name = "DeletedCustomers"
    tenantless = True
    trash = "deleted_at"
    csv = False
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    list_intro = lazy_gettext(
        "A restored customer has its contracts, invoices and memos again. What its deletion ended stays ended: its portal"
        " users and their pending sign-ups, which have to be created anew."
    )
    base_order = ("deleted_at", "desc")
    list_columns: ClassVar = ["id", "name", "tenant", "contact_name", "contact_phone", "deleted_at"]
    order_columns: ClassVar = ["id", "name", "tenant", "deleted_at"]
    filters = (
        Part("name", most=40, any_case=False, key=search_key, column="search_name", beside=True),
        IdPart("id", most=9, placeholder="A00000001"),
        IdPart("tenant_id", most=8, beside=True),
    )
    label_columns: ClassVar = {
        "id": lazy_gettext("Company ID"),
        "name": lazy_gettext("Company name"),
        "tenant": lazy_gettext("Tenant"),
        "tenant_id": lazy_gettext("Tenant ID"),
        "contact_name": lazy_gettext("Contact name"),
        "contact_phone": lazy_gettext("Phone number"),
        "deleted_at": lazy_gettext("Deleted at"),
    }
    formatters_columns: ClassVar = {"id": formats.CODE, "tenant": formats.TEXT, "contact_phone": formats.WORD}

    def rows_session(self) -> Session:
        """Return the session that reads and restores the customers of all tenants."""
        return cross_tenant_session(_REASON)

    def search(self) -> Search:
        """Return the search fields; that of the status is left out, because all rows are deleted ones."""
        return read_search(
            self.filters, self.model, {each.name: self.label_of(each.name) for each in self.filters}, request.args
        )

    def rows(self, search: Search) -> Any:
        """Return the query of the deleted customers that match a search."""
        return self.query(deleted=True).filter(*search.conditions)

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a sorted query: by tenant means by its ID, by name without the legal form."""
        return super().ordered(query, {"tenant": "tenant_id", "name": "sort_name"}.get(sort, sort), direction)

    def table(self, rows: Sequence[Customer], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of customers with the names of their tenants."""
        wanted = {row.tenant_id for row in rows}
        names = self.rows_session().execute(select(Tenant.id, Tenant.name).where(Tenant.id.in_(wanted)))
        g.tenant_names = {tenant.id: tenant.name for tenant in names}
        return super().table(rows, columns, **options)

    def value(self, row: Customer, name: str) -> Any:
        """Return the value of a column for a customer."""
        return f"{row.tenant_id} {g.tenant_names[row.tenant_id]}" if name == "tenant" else super().value(row, name)

    def buttons(self, row: Customer, back: dict[str, str]) -> list[Button]:
        """Return the button that restores a customer, if the user may."""
        return super().buttons(row, back) if self.may("restore") else []
