"""Customers (§7.1, §7.4.1) and the security tab with their UTMs (§7.4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import current_app, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select

from models import alert_search, clock, contract
from models.company_name import search_key
from models.contract import Contract, ContractStatus
from models.customer import Customer, CustomerStatus
from models.db import db
from models.utm import NO_CONTRACT, Utm
from views.base import PortalModelView, choice, customer_or_404, customer_urls, iso_day, render, short_text
from views.fields import half_width
from views.interface import NotDeleted, PartMatch, PortalInterface, Same
from views.new_token import token_to_show
from views.period import recent_days

_ID_LENGTH = 9
_NAME_LENGTH = 40
_STATUS_LABELS = {
    CustomerStatus.DRAFT: lazy_gettext("Draft"),
    CustomerStatus.ACTIVE: lazy_gettext("Active"),
    CustomerStatus.CANCELLED: lazy_gettext("Customer cancelled"),
}


class CustomerView(PortalModelView):
    """顧客管理: the customers of the tenant."""

    datamodel = PortalInterface(Customer)
    route_base = "/customers"
    class_permission_name = "Customers"
    include_route_methods = {"list", "show", "security"}
    base_filters: ClassVar = [["deleted_at", NotDeleted, None]]
    base_order = ("id", "desc")
    list_columns: ClassVar = ["id", "name", "balance", "last_invoiced_on", "status"]
    order_columns: ClassVar = list_columns
    search_columns: ClassVar = ["id", "search_name"]
    show_columns: ClassVar = ["id", "name", "status", "memo1", "memo2", "memo3"]
    add_columns: ClassVar = []
    edit_columns: ClassVar = []

    @expose("/")
    @has_access
    def list(self) -> str:
        """List the customers, narrowed by part of their ID or name."""
        search = {
            "id": short_text("id", _ID_LENGTH),
            "name": short_text("name", _NAME_LENGTH),
            "last_invoiced_on": iso_day("last_invoiced_on"),
            "status": choice("status", list(CustomerStatus), ""),
        }
        if search["id"]:
            self._filters.add_filter("id", PartMatch, half_width(search["id"]).upper())
        if search["name"]:
            self._filters.add_filter("search_name", PartMatch, search_key(search["name"]))
        if search["last_invoiced_on"]:
            self._filters.add_filter("last_invoiced_on", Same, search["last_invoiced_on"])
        if search["status"]:
            self._filters.add_filter("status", Same, search["status"])
        page = self.list_page()
        return render(
            "customers/list.html",
            customers=[_customer_row(customer) for customer in page.rows],
            search=search,
            statuses=[(status.value, label) for status, label in _STATUS_LABELS.items()],
            searched=any(search.values()),
            sort=page.sort,
            direction=page.direction,
            page=page.page,
            pages=page.pages,
            count=page.count,
        )

    @expose("/<string:customer_id>")
    @has_access
    def show(self, customer_id: str) -> str:
        """Show a customer's data and contracts."""
        customer = customer_or_404(customer_id)
        contracts = db.session.scalars(
            select(Contract).where(Contract.customer_id == customer.id).order_by(Contract.start_on.desc(), Contract.id)
        ).all()
        return render(
            "customers/show.html",
            customer=customer,
            **customer_urls(customer),
            tabs=_tabs(customer, "show"),
            contracts=[_contract_row(each) for each in contracts],
        )

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
        may_add = self.appbuilder.sm.has_access("can_add", "Utms")
        refused = may_add and not contract.allows_utm(db.session(), customer.id, today=today)
        return render(
            "customers/security.html",
            customer=customer,
            **customer_urls(customer),
            tabs=_tabs(customer, "security"),
            utms=[_utm_row(utm, counts.get(utm.id, 0), now) for utm in utms],
            add_url=url_for("UtmView.add", customer_id=customer.id) if may_add else None,
            add_refused=gettext(NO_CONTRACT) if refused else None,
            important_count=alert_search.important_count(db.session(), customer.id, first=first, last=last),
            period=(first, last),
            alerts_url=url_for("AlertView.list", customer_id=customer.id),
            important_url=url_for("AlertView.important", customer_id=customer.id),
            reports=[],
            **_new_token(utms),
        )


def _new_token(utms: Sequence[Utm]) -> dict[str, Any]:
    """The token of a UTM registered a moment ago, and which it is."""
    waiting = token_to_show(utm.id for utm in utms)
    if waiting is None:
        return {"new_token": None, "new_token_of": None}
    return {
        "new_token": waiting["token"],
        "new_token_of": next(utm.name for utm in utms if utm.id == waiting["utm_key"]),
    }


def _tabs(customer: Customer, current: str) -> list[dict[str, Any]]:
    """The tabs of §7.4 that exist for a customer."""
    tabs = (("show", gettext("Customer information")), ("security", gettext("Security service")))
    return [
        {
            "label": label,
            "url": url_for(f"CustomerView.{name}", customer_id=customer.id),
            "active": name == current,
        }
        for name, label in tabs
    ]


def _customer_row(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "name": customer.name,
        "balance": customer.balance,
        "last_invoiced_on": customer.last_invoiced_on,
        "status": customer.status,
        "url": url_for("CustomerView.show", customer_id=customer.id),
    }


def _contract_row(row: Contract) -> dict[str, Any]:
    to_come = row.start_on > clock.tokyo_day(clock.utc_now())
    return {
        "id": row.id,
        "product": row.product.name,
        "start_on": row.start_on,
        "end_on": row.end_on,
        "status": row.status,
        "note": gettext("(not started)") if row.status == ContractStatus.ACTIVE and to_come else None,
    }


def _utm_row(utm: Utm, alert_count: int, now: Any) -> dict[str, Any]:
    return {
        "utm_id": utm.utm_id,
        "name": utm.name,
        "place": utm.address,
        "state": utm.state(now=now, online_for=current_app.config["UTM_ONLINE_FOR"]),
        "last_seen": clock.screen_time(utm.last_seen_at) or None,
        "mac_entered": bool(utm.mac_address),
        "alert_count": alert_count,
        "url": url_for("UtmView.show", customer_id=utm.customer_id, utm_key=utm.id),
    }
