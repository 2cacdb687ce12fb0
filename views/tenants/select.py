"""Selection of the tenant to work in (§4.2), and of a customer in one of the tenants (§4.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from flask import abort, current_app, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import ColumnElement, Select, String, bindparam, literal, select
from werkzeug.wrappers import Response

from models import clock
from models.accounts.membership import Membership, enterable
from models.customers import cross_tenant_search
from models.db import db
from models.overview.figures import Watched, watched
from models.prepared_statement import PreparedStatement, prepare
from models.tenants.tenant import Tenant
from views import staff_entry
from views.arguments import choice, key_or_none
from views.base import PortalView, render
from views.period import recent_days
from views.screen import formats
from views.screen.table import Column, Empty, Row, Table
from views.tenants.destinations import destination_url, figure
from views.tenants.search_form import TenantSearch, found_table
from views.transaction import cross_tenant_session

_CHOOSE = formats.submit("tenant_id")
SORTS = {"id": Tenant.id, "name": Tenant.name}
FIGURES = {"alerts": lazy_gettext("Important alerts"), "offline": lazy_gettext("Offline UTMs")}


class TenantView(PortalView):
    """テナント選択. It requires no role, because users have their roles within a tenant and none is selected yet."""

    route_base = "/tenants"
    class_permission_name = "Tenants"

    @expose("/")
    def list(self) -> str:
        """List the tenants that the user may enter (all of them for NEC staff), and the customers found in them."""
        sort = choice("sort", SORTS, "id")
        direction = choice("direction", ("asc", "desc"), "asc")
        everywhere = g.identity.elevated
        listed = _listed(sort, descending=direction == "desc", everywhere=everywhere)
        own = {"user_id": current_user.id, "only": g.identity.only_tenant_id}
        tenants = listed.run(db.session(), {} if everywhere else own)
        may_find = self._roles_that_find()
        search = TenantSearch.read()
        found = search.find(
            tenant_ids=None if everywhere else [tenant.id for tenant in tenants if tenant.role_id in may_find]
        )
        may_watch = self._roles_that(("can_list", "Utms"), ("can_important", "Alerts"))
        figures = _watched([each.id for each in tenants if everywhere or each.role_id in may_watch])
        return render(
            "tenants/select.html",
            tenants=_table(tenants, figures, sort, direction),
            search=search.fields,
            conditions=search.conditions,
            found=None if found is None else found_table(search, found),
        )

    @expose("/select", methods=["POST"])
    def select(self) -> Any:
        """Select a tenant for the rest of the session, and open one of its pages (``DESTINATIONS``)."""
        return staff_entry.enter(_chosen_tenant_id()) or redirect(destination_url())

    @expose("/leave", methods=["POST"])
    def leave(self) -> Response:
        """Leave the current tenant."""
        return staff_entry.leave()

    @expose("/open", methods=["POST"])
    def open(self) -> Any:
        """Select the tenant of a customer, and open the customer, or one of its contracts or UTMs if the form names it.

        What the user may do there depends on the role in that tenant.
        """
        tenant_id = _chosen_tenant_id(roles=self._roles_that_find())
        customer_id = request.form.get("customer_id", "")
        if not cross_tenant_search.exists(tenant_id, customer_id):
            abort(404)
        if (question := staff_entry.enter(tenant_id)) is not None:
            return question
        if contract_id := request.form.get("contract_id", ""):
            return redirect(url_for("ContractView.show", customer_id=customer_id, contract_id=contract_id))
        if utm_key := key_or_none(request.form.get("utm_key")):
            return redirect(url_for("UtmView.show", customer_id=customer_id, utm_key=utm_key))
        return redirect(url_for("CustomerView.show", customer_id=customer_id))

    def _roles_that_find(self) -> set[int]:
        """Return the IDs of the roles that may view both the list and the details of customers."""
        return self._roles_that(("can_list", "Customers"), ("can_show", "Customers"))

    def _roles_that(self, *rights: tuple[str, str]) -> set[int]:
        """Return the IDs of the roles that have all of some permissions."""
        manager = self.appbuilder.sm
        return set.intersection(*(set(manager.roles_that_may(*each)) for each in rights))


def _watched(tenant_ids: Collection[str]) -> dict[str, Watched]:
    """Return the figures about the UTMs of the tenants where the user may see them; 0 is not missing."""
    now = clock.utc_now()
    found = watched(
        cross_tenant_session("the user's tenants are shown side by side"),
        tenant_ids,
        now=now,
        online_for=current_app.config["UTM_ONLINE_FOR"],
        days=recent_days(clock.tokyo_day(now)),
    )
    return {tenant_id: found.get(tenant_id, Watched()) for tenant_id in tenant_ids}


def _table(tenants: Sequence[Any], figures: Mapping[str, Watched], sort: str, direction: str) -> Table:
    columns = [
        Column("id", gettext("Tenant ID"), key="id"),
        Column("name", gettext("Tenant name"), formats.TEXT.css, key="name"),
        *(Column(name, label, "number") for name, label in FIGURES.items()),
    ]
    shown = {name: figure(name, label) for name, label in FIGURES.items()}
    rows = []
    for tenant in tenants:
        counts = figures.get(tenant.id)
        values = {name: (tenant, getattr(counts, name)) if counts else None for name in FIGURES}
        cells = [shown[name].cell(value) for name, value in values.items()]
        rows.append(Row([_CHOOSE.cell(tenant.id), tenant.name, *cells]))
    return Table(
        columns,
        rows,
        title=gettext("Tenants"),
        note=gettext("Important alerts: last 31 days") if figures else "",
        sort=sort,
        direction=direction,
        empty=Empty(
            "building",
            gettext("You do not belong to a tenant."),
            gettext("Ask your administrator to add you to one, then sign in again."),
        ),
        form_url=url_for("TenantView.select"),
    )


@cache
def _listed(sort: str, *, descending: bool, everywhere: bool) -> PreparedStatement:
    """Return the prepared statement for the sorted tenants of a user, or for all tenants."""
    columns = [SORTS[sort], Tenant.id]
    order = [column.desc() if descending else column.asc() for column in columns]
    role = () if everywhere else (Membership.role_id,)
    only = bindparam("only", type_=String)
    statement = _enterable(select(Tenant.id, Tenant.name, *role), bindparam("user_id"), only, everywhere=everywhere)
    return prepare(statement.order_by(*order))


def _chosen_tenant_id(*, roles: Collection[int] | None = None) -> str:
    """Return the ID of the submitted tenant; abort with 404 if the user may not enter it.

    :param roles: the roles of which the user must have one in the tenant; None for any role.
    """
    everywhere = g.identity.elevated
    only = literal(g.identity.only_tenant_id, String)
    found = _enterable(select(Tenant.id), current_user.id, only, everywhere=everywhere)
    if roles is not None and not everywhere:
        found = found.where(Membership.role_id.in_(roles))
    chosen = db.session.scalar(found.where(Tenant.id == request.form.get("tenant_id", "")))
    if chosen is None:
        abort(404)
    return chosen


def _enterable(
    statement: Select[*tuple[Any, ...]], user_id: Any, only: ColumnElement[Any], *, everywhere: bool
) -> Select[*tuple[Any, ...]]:
    """Restrict a statement to the tenants that a user may enter.

    :param only: the only tenant that the session may enter; NULL for no such limit.
    """
    if everywhere:
        return statement
    return statement.join(Membership).where(Membership.user_id == user_id, enterable(only))
