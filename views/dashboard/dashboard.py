"""The landing page (§5.1): figures, and what needs attention."""

from __future__ import annotations

from typing import NamedTuple

from flask import current_app, g, get_template_attribute, url_for
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, ngettext
from sqlalchemy import func, select

from models import clock
from models.alerts import search as alert_search
from models.customers.customer import Customer
from models.db import db
from models.notifications.address import address_status
from models.utms.fleet import Fleet, SecurityStatus, fleet_of, security_status
from views.base import render, url_if
from views.dashboard.announcements import announcements_card
from views.dashboard.income import income_card
from views.notifications.notice import address_notice
from views.period import recent_days
from views.screen import formats
from views.screen.table import Empty, Table, filled_table

_MAX_IMPORTANT = 10
_ICONS = {
    SecurityStatus.NO_UTM: "router",
    SecurityStatus.NOT_MONITORED: "wifi-off",
    SecurityStatus.CLEAR: "shield-check",
}


class HomeView(IndexView):
    """ダッシュボード: figures with links to the lists they count."""

    class_permission_name = "Home"

    @expose("/")
    @has_access
    def index(self) -> str:
        """Show the figures of the tenant."""
        now = clock.utc_now()
        first, last = recent_days(clock.tokyo_day(now))
        customers = db.session.scalar(select(func.count()).where(Customer.deleted_at.is_(None)))
        online_for = current_app.config["UTM_ONLINE_FOR"]
        fleet = fleet_of(db.session(), now=now, online_for=online_for)
        may = self.appbuilder.sm.has_access
        worst = (
            alert_search.important_by_customer(db.session(), first=first, last=last, limit=_MAX_IMPORTANT)
            if may("can_important", "Alerts")
            else None
        )
        list_url = url_if("can_list", "Customers", "CustomerView.list")
        addresses = address_status(db.session(), g.identity.tenant.id, now=now)
        return render(
            "dashboard/dashboard.html",
            address_notice=address_notice(addresses, may_change=may("can_save", "NotificationAddresses")),
            announcements=announcements_card(now),
            figures=_figures(customers, fleet, list_url),
            as_of=clock.screen_time(now),
            income=income_card(now),
            important=None if worst is None else _important_table(worst, fleet),
            next_steps=[_first_step(list_url)] if list_url and not customers else [],
        )


def _first_step(url: str) -> dict[str, str]:
    return {
        "label": gettext("Customers"),
        "url": url,
        "text": gettext("There is no customer in this tenant yet."),
    }


class Figure(NamedTuple):
    """A card with a number.

    :ivar url: of the list that it counts; None for people who may not open it.
    :ivar tone: of its icon.
    """

    label: str
    value: int
    unit: str
    url: str | None
    icon: str
    tone: str


def _figures(customers: int, fleet: Fleet, customers_url: str | None) -> list[Figure]:
    """Return the cards: each leads to the list with exactly the rows that it counts."""
    return [
        Figure(
            gettext("Number of customers"),
            customers,
            ngettext("company", "companies", customers),
            customers_url,
            "building",
            "blue",
        ),
        _utms_figure(gettext("Number of UTMs"), fleet.total, "router", "blue"),
        _utms_figure(gettext("Online"), fleet.online, "circle-check", "green", state="online"),
        _utms_figure(
            gettext("Offline"), fleet.offline, "wifi-off", "red" if fleet.offline else "gray", state="offline"
        ),
        _utms_figure(
            gettext("Never connected"),
            fleet.unconnected,
            "plug-off",
            "orange" if fleet.unconnected else "gray",
            state="unconnected",
        ),
    ]


def _utms_figure(label: str, count: int, icon: str, tone: str, **arguments: str) -> Figure:
    url = url_if("can_list", "Utms", "UtmListView.list", **arguments)
    return Figure(label, count, ngettext("unit", "units", count), url, icon, tone)


def _important_table(worst: list[tuple[str, int]], fleet: Fleet) -> Table:
    """Return the table of the customers with the most important alerts.

    :param worst: the ID of each customer and the number of its important alerts.
    :param fleet: the tenant's UTMs; without alerts, "nothing found" is only true if all of them are online.
    """
    rows = db.session.execute(
        select(Customer.id, Customer.name).where(
            Customer.id.in_([customer_id for customer_id, _ in worst]), Customer.deleted_at.is_(None)
        )
    )
    names = {row.id: row.name for row in rows}
    return filled_table(
        [
            (gettext("Company ID"), formats.linked_value(formats.CODE), lambda row: _customer(row[0])),
            (gettext("Company name"), formats.TEXT, lambda row: names[row[0]]),
            (gettext("Important alerts"), formats.linked_value(formats.NUMBER), lambda row: _alerts(*row)),
        ],
        [row for row in worst if row[0] in names],
        title=gettext("Customers with important alerts"),
        note=gettext("Last 31 days"),
        empty=_nothing_found(fleet),
    )


def _nothing_found(fleet: Fleet) -> Empty:
    status = security_status(fleet, important_alerts=0)
    words = get_template_attribute("macros/badges.html", "security_words")(status, fleet).strip()
    hint = gettext("Customers appear here when one of their UTMs raises an important alert.")
    return Empty(_ICONS[status], words, hint)


def _customer(customer_id: str) -> formats.LinkedValue:
    url = url_if("can_show", "Customers", "CustomerView.show", customer_id=customer_id)
    return formats.LinkedValue(customer_id, url)


def _alerts(customer_id: str, count: int) -> formats.LinkedValue:
    return formats.LinkedValue(count, url_for("AlertView.important", customer_id=customer_id))
