"""The landing page (§5.1): what there is, and what needs a look."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, url_for
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, ngettext
from markupsafe import Markup
from sqlalchemy import case, func, select

from models import clock
from models.alerts import search as alert_search
from models.customers.customer import Customer
from models.db import db
from models.notifications.address import address_status
from models.utms.utm import Utm
from views.base import render, url_if
from views.dashboard.income import income_card
from views.notifications.notice import address_notice
from views.period import recent_days
from views.screen import formats
from views.screen.table import Empty, Table, filled_table

_MOST_IMPORTANT = 10


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
        utms, online, unconnected = _utm_figures(now - current_app.config["UTM_ONLINE_FOR"])
        may = self.appbuilder.sm.has_access
        worst = (
            alert_search.important_by_customer(db.session(), first=first, last=last, limit=_MOST_IMPORTANT)
            if may("can_important", "Alerts")
            else None
        )
        as_of = clock.screen_time(now)
        list_url = url_if("can_list", "Customers", "CustomerView.list")
        figures = [
            _figure(
                gettext("Number of customers"),
                customers,
                ngettext("company", "companies", customers),
                list_url,
                "building",
                "blue",
                as_of,
            ),
            _figure(gettext("Number of UTMs"), utms, ngettext("unit", "units", utms), None, "router", "blue", as_of),
            _figure(gettext("Online"), online, ngettext("unit", "units", online), None, "circle-check", "green", as_of),
            _figure(
                gettext("Never connected"),
                unconnected,
                ngettext("unit", "units", unconnected),
                None,
                "plug-off",
                "orange",
                as_of,
            ),
        ]
        addresses = address_status(db.session(), g.identity.tenant.id, now=now)
        return render(
            "dashboard/dashboard.html",
            address_notice=address_notice(addresses, may_change=may("can_save", "NotificationAddresses")),
            figures=figures,
            income=income_card(now),
            important=None if worst is None else _important_table(worst),
            next_steps=[_first_step(list_url)] if list_url and not customers else [],
        )


def _first_step(url: str) -> dict[str, str]:
    return {
        "label": gettext("Customers"),
        "url": url,
        "text": gettext("There is no customer in this tenant yet."),
    }


def _figure(label: str, value: int, unit: str, url: str | None, icon: str, tone: str, as_of: str) -> dict[str, Any]:  # noqa: PLR0913, PLR0917  (a card has these parts)
    return {"label": label, "value": value, "unit": unit, "url": url, "icon": icon, "tone": tone, "as_of": as_of}


def _utm_figures(online_since: Any) -> tuple[int, int, int]:
    """How many UTMs there are, are online, were never seen."""
    row = db.session.execute(
        select(
            func.count(),
            func.count(case((Utm.last_seen_at >= online_since, 1))),
            func.count(case((Utm.last_seen_at.is_(None), 1))),
        ).where(Utm.removed_at.is_(None))
    ).one()
    return (row[0], row[1], row[2])


def _important_table(worst: list[tuple[str, int]]) -> Table:
    """Return the table of the customers with the most important alerts.

    :param worst: the ID of each customer, with the number of alerts.
    """
    rows = db.session.execute(
        select(Customer.id, Customer.name).where(
            Customer.id.in_([customer_id for customer_id, _ in worst]), Customer.deleted_at.is_(None)
        )
    )
    names = {row.id: row.name for row in rows}
    return filled_table(
        [
            (gettext("Company ID"), formats.Format(_alerts_link, css="font-monospace"), lambda row: row[0]),
            (gettext("Company name"), formats.TEXT, lambda row: names[row[0]]),
            (gettext("Important alerts"), formats.NUMBER, lambda row: row[1]),
        ],
        [row for row in worst if row[0] in names],
        title=gettext("Customers with important alerts"),
        note=gettext("Last 31 days"),
        empty=Empty(
            "shield-check",
            gettext("No threats were detected."),
            gettext("Customers appear here when one of their UTMs raises an important alert."),
        ),
    )


def _alerts_link(customer_id: str) -> Markup:
    url = url_for("AlertView.important", customer_id=customer_id)
    return formats.linked(url, formats.WORD.cell(customer_id))
