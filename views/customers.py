"""Customers (§7.1, §7.4.1) and the security tab with their UTMs (§7.4.5)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import current_app, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import lazy_gettext
from sqlalchemy import select

from models import alert_search, clock, contract
from models.company_name import search_key
from models.contract import Contract
from models.customer import Customer
from models.db import db
from models.utm import Utm
from views.base import PortalModelView, customer_or_404, render, short_text
from views.interface import NotDeleted, PartMatch, PortalInterface
from views.new_token import token_to_show
from views.period import recent_days

_ID_LENGTH = 9
_NAME_LENGTH = 40


class CustomerView(PortalModelView):
    """顧客管理: the customers of the tenant."""

    datamodel = PortalInterface(Customer)
    route_base = "/customers"
    class_permission_name = "Customers"
    include_route_methods = {"list", "show", "security"}  # noqa: RUF012  (FAB reads it as a class attribute)
    base_filters: ClassVar = [["deleted_at", NotDeleted, None]]
    base_order = ("id", "desc")
    list_columns: ClassVar = ["id", "name", "balance", "last_invoiced_on", "status"]
    order_columns: ClassVar = list_columns
    search_columns: ClassVar = ["id", "search_name"]
    show_columns: ClassVar = ["id", "name", "status", "memo1", "memo2", "memo3"]
    add_columns: ClassVar = []
    edit_columns: ClassVar = []
    label_columns: ClassVar = {
        "id": lazy_gettext("Company ID"),
        "name": lazy_gettext("Company name"),
        "balance": lazy_gettext("Balance"),
        "last_invoiced_on": lazy_gettext("Last invoice date"),
        "status": lazy_gettext("Status"),
    }

    @expose("/")
    @has_access
    def list(self) -> str:
        """List the customers, narrowed by part of their ID or name."""
        customer_id = short_text("customer_id", _ID_LENGTH)
        name = short_text("name", _NAME_LENGTH)
        if customer_id:
            self._filters.add_filter("id", PartMatch, customer_id.upper())
        if name:
            self._filters.add_filter("search_name", PartMatch, search_key(name))
        return render(
            "customers/list.html",
            page=self.list_page(),
            labels=self.label_columns,
            searched={"customer_id": customer_id, "name": name},
        )

    @expose("/<string:customer_id>")
    @has_access
    def show(self, customer_id: str) -> str:
        """Show a customer's data and contracts."""
        customer = customer_or_404(customer_id)
        contracts = db.session.scalars(
            select(Contract).where(Contract.customer_id == customer.id).order_by(Contract.start_on.desc(), Contract.id)
        ).all()
        return render("customers/show.html", customer=customer, contracts=contracts)

    @expose("/<string:customer_id>/security")
    @has_access
    def security(self, customer_id: str) -> str:
        """Show a customer's UTMs and security status."""
        customer = customer_or_404(customer_id)
        now = clock.utc_now()
        today = clock.tokyo_day(now)
        first, last = recent_days(today)
        utms = db.session.scalars(
            select(Utm).where(Utm.customer_id == customer.id, Utm.removed_at.is_(None)).order_by(Utm.name, Utm.id)
        ).all()
        counts = alert_search.counts_by_utm(db.session(), customer.id, first=first, last=last)
        may_write = current_app.extensions["appbuilder"].sm.has_access("can_add", "Utms")
        return render(
            "customers/security.html",
            customer=customer,
            utms=[_utm_row(utm, counts.get(utm.id, 0), now) for utm in utms],
            important_count=alert_search.important_count(db.session(), customer.id, first=first, last=last),
            period=(first, last),
            may_add=may_write,
            contract_allows=not may_write or contract.allows_utm(db.session(), customer.id, today=today),
            new_token=token_to_show(utm.id for utm in utms),
        )


def _utm_row(utm: Utm, alert_count: int, now: Any) -> dict[str, Any]:
    return {
        "utm_id": utm.utm_id,
        "name": utm.name,
        "address": utm.address,
        "state": utm.state(now=now, online_for=current_app.config["UTM_ONLINE_FOR"]),
        "last_seen_at": utm.last_seen_at,
        "has_mac": bool(utm.mac_address),
        "alert_count": alert_count,
        "url": url_for("UtmView.show", customer_id=utm.customer_id, utm_key=utm.id),
    }
