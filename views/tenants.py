"""Choosing the tenant to work in (§4.2)."""

from __future__ import annotations

from flask import abort, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_login import current_user
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from models.db import db
from models.membership import Membership
from models.tenant import Tenant
from views.base import PortalView, choice, render

SORTS = {"id": Tenant.id, "name": Tenant.name}


class TenantView(PortalView):
    """テナント選択. Not behind a role: a role is held in a tenant, and none is chosen yet."""

    route_base = "/tenants"
    class_permission_name = "Tenants"

    @expose("/")
    def list(self) -> str:
        """List the tenants the user may enter: their own, or all of them for NEC staff."""
        sort = choice("sort", SORTS, "id")
        direction = choice("direction", ("asc", "desc"), "asc")
        columns = [SORTS[sort], Tenant.id]
        order = [column.desc() if direction == "desc" else column.asc() for column in columns]
        tenants = db.session.scalars(_enterable().order_by(*order)).all()
        return render(
            "tenants.html", tenants=tenants, sort=sort, direction=direction, choose_url=url_for("TenantView.select")
        )

    @expose("/select", methods=["POST"])
    def select(self) -> Response:
        """Enter a tenant. From here on the session is in it."""
        chosen = db.session.scalar(_enterable().where(Tenant.id == request.form.get("tenant_id", "")))
        if chosen is None:
            abort(404)
        session["tenant_id"] = chosen.id
        return redirect(url_for("HomeView.index"))


def _enterable() -> Select[tuple[Tenant]]:
    statement = select(Tenant)
    if g.identity.elevated:
        return statement
    return statement.join(Membership).where(Membership.user_id == current_user.id)
