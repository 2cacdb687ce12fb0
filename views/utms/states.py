"""The states of UTMs without the rest of their page, for pages that keep them up to date (§7.4.5, §7.11)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, abort, current_app, make_response, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from models import clock
from models.alerts.counts import important_count
from models.customers.customer import Customer
from models.db import db
from models.utms.fleet import fleet_of, security_status
from models.utms.utm import Utm, UtmState
from views.arguments import key_or_none
from views.base import PortalView, render, url_if
from views.period import recent_days
from views.screen.table import Button
from views.utms.state import state_of

_MOST = 100
"""The number of UTMs on the longest page of a list."""

WAITING_SECONDS = 5
REFRESHED_SECONDS = 30
"""How often a page asks while it waits for the first contact of a UTM, and otherwise."""


class UtmStateView(PortalView):
    """The states of some UTMs."""

    route_base = "/utms"
    class_permission_name = "Utms"

    @expose("/states")
    @has_access
    @permission_name("list")
    def states(self) -> Response:
        """Return the states of the UTMs ``utm``, the first contact of ``waits``, and the security status of ``customer``."""
        keys = {key for text in request.args.getlist("utm")[:_MOST] if (key := key_or_none(text)) is not None}
        found = select(Utm).where(Utm.id.in_(keys), Utm.removed_at.is_(None)).order_by(Utm.id)
        utms = db.session.scalars(found).all()
        customer = _customer()
        if not utms and customer is None:
            abort(404)
        shown = [state_of(utm) for utm in utms]
        awaited = key_or_none(request.args.get("waits"))
        waits = next((each for each in shown if each.key == awaited), None)
        every = WAITING_SECONDS if waits and waits.state == UtmState.UNCONNECTED else REFRESHED_SECONDS
        answer = make_response(
            render(
                "utms/states.html",
                states=shown,
                waits=waits,
                page_of={utm.id: page_of(utm) for utm in utms if utm.id == awaited},
                every=every,
                **(status_of(customer) if customer is not None else {}),
            )
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer


def states_url(utms: Iterable[Any], *, customer: Customer | None = None, waits: Utm | None = None) -> str | None:
    """Return the URL of the states of UTMs; None if there is nothing to ask for, or the person may not list UTMs.

    :param utms: the keys of the UTMs.
    :param customer: whose security status is asked for too.
    :param waits: the UTM whose first contact the page waits for.
    """
    keys = list(utms)
    if not keys and customer is None:
        return None
    values = {"utm": keys, "customer": customer.id if customer else None, "waits": waits.id if waits else None}
    return url_if("can_list", "Utms", "UtmStateView.states", **values)


def status_of(customer: Customer) -> dict[str, Any]:
    """Return the variables of the card セキュリティステータス of a customer."""
    now = clock.utc_now()
    first, last = recent_days(clock.tokyo_day(now))
    fleet = fleet_of(db.session(), now=now, online_for=current_app.config["UTM_ONLINE_FOR"], customer_id=customer.id)
    important = important_count(db.session(), customer.id, first=first, last=last)
    return {
        "status": security_status(fleet, important_alerts=important),
        "fleet": fleet,
        "important_count": important,
        "period": (first, last),
        "alerts_url": url_if("can_list", "Alerts", "AlertView.list", customer_id=customer.id),
        "important_url": url_if("can_important", "Alerts", "AlertView.important", customer_id=customer.id),
        "reports": _reports(customer),
    }


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


def page_of(utm: Utm) -> str:
    """Return the URL of a UTM's page, where it can be loaded again without JavaScript."""
    return url_for("UtmView.show", customer_id=utm.customer_id, utm_key=utm.id)


def _customer() -> Customer | None:
    """Return the customer that is asked for; None for none, or if the person may not see its security status."""
    asked = request.args.get("customer")
    if asked is None or url_if("can_security", "Customers", "SecurityView.security", customer_id=asked) is None:
        return None
    found = select(Customer).where(Customer.id == asked, Customer.deleted_at.is_(None))
    customer = db.session.scalar(found)
    if customer is None:
        abort(404)
    return customer
