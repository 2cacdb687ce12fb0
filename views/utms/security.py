"""The security tab of a customer (§7.4.5): the UTMs and their alert counts."""

from __future__ import annotations

from typing import Any

from flask import current_app, g
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models import clock
from models.alerts import search as alert_search
from models.contracts import contract
from models.db import db
from models.utms.fleet import fleet_of, security_status
from models.utms.utm import NO_CONTRACT
from views.base import PortalView, render, url_if
from views.customers.customers import CustomerView
from views.customers.tabs import customer_crumbs, customer_tabs
from views.period import recent_days
from views.screen.table import Button, Empty
from views.utms.utms import UtmView


class SecurityView(PortalView):
    """セキュリティサービス of a customer."""

    route_base = "/customers"
    class_permission_name = "Customers"

    @expose("/<string:customer_id>/security")
    @has_access
    def security(self, customer_id: str) -> str:
        """Show a customer's UTMs and security status."""
        customer = g.parent_row = CustomerView.of().row_or_404(customer_id)
        today = clock.tokyo_day(clock.utc_now())
        first, last = recent_days(today)
        screen = UtmView.of()
        search = screen.search()
        (table,) = screen.tables(search)
        table.title = gettext("UTMs")
        online_for = current_app.config["UTM_ONLINE_FOR"]
        fleet = fleet_of(db.session(), now=clock.utc_now(), online_for=online_for, customer_id=customer.id)
        important = alert_search.important_count(db.session(), customer.id, first=first, last=last)
        add = _add_button(screen, customer, refused=not contract.allows_utm(db.session(), customer.id, today=today))
        if not search.active:
            table.empty = _empty(screen, add)
        return render(
            "utms/security.html",
            title=customer.name,
            crumbs=customer_crumbs(customer, (gettext("Security service"), None)),
            tabs=customer_tabs(customer, "SecurityView.security"),
            search=search,
            table=table,
            add=add,
            status=security_status(fleet, important_alerts=important),
            fleet=fleet,
            important_count=important,
            period=(first, last),
            alerts_url=url_if("can_list", "Alerts", "AlertView.list", customer_id=customer.id),
            important_url=url_if("can_important", "Alerts", "AlertView.important", customer_id=customer.id),
            reports=_reports(customer),
            secret=screen.secret_on_list(),
        )


def _reports(customer: Any) -> list[Button]:
    """Return the buttons of the chart screens and of the monthly report that the user may open."""
    reports = (
        ("can_threats", "Charts", "ChartView.threats", "report", gettext("See the UTM threat report")),
        ("can_average", "Charts", "ChartView.average", "chart-bar", gettext("Compare with the average of companies")),
        ("can_utms", "Charts", "ChartView.utms", "router", gettext("Compare the company's UTMs")),
        ("can_show", "MonthlyReports", "MonthlyReportView.show", "file-text", gettext("Monthly report")),
    )
    return [
        Button(label, url, icon)
        for permission, view, endpoint, icon, label in reports
        if (url := url_if(permission, view, endpoint, customer_id=customer.id))
    ]


def _add_button(screen: Any, customer: Any, *, refused: bool) -> Button | None:
    """Return the button for registering a UTM, disabled with a reason if refused; None if the user may not register any."""
    if not screen.may("add"):
        return None
    refusal = gettext(NO_CONTRACT) if refused else None
    url = screen.url("add", customer_id=customer.id)
    return Button(gettext("Create"), url, "plus", refusal=refusal, css="btn btn-primary")


def _empty(screen: Any, add: Button | None) -> Empty:
    usable = [add] if add and not add.refusal else []
    return Empty(
        "router", screen.labels.message("empty"), screen.labels.message("empty_hint") if usable else None, usable
    )
