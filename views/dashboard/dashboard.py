"""The landing page (§5.1): the widgets in the user's order, and what needs attention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from flask import g, url_for
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select

from models import clock
from models.customers.customer import Customer
from models.dashboard import figures
from models.dashboard.figures import Stored
from models.db import db
from models.notifications.address import address_status
from views.base import render, url_if
from views.dashboard.arrangement import arrangement
from views.notifications.notice import address_notice
from views.screen.table import Button
from views.widget import Drawing, Shown, Widget


class HomeView(IndexView):
    """ダッシュボード: figures with links to the lists they count."""

    class_permission_name = "Home"

    @expose("/")
    @has_access
    def index(self) -> str:
        """Show the widgets of the tenant that the user may and wants to see."""
        now = clock.utc_now()
        addresses = address_status(db.session(), g.identity.tenant.id, now=now)
        may_change = self.appbuilder.sm.has_access("can_save", "NotificationAddresses")
        widgets = [each.widget for each in arrangement() if each.visible]
        stored = figures.current(db.session(), [each.name for each in widgets], now=now)
        return render(
            "dashboard/dashboard.html",
            address_notice=address_notice(addresses, may_change=may_change),
            widgets=_drawn(widgets, stored, now),
            arrange=Button(gettext("Display settings"), url_for("ArrangementView.show"), "settings"),
            next_steps=_next_steps(stored),
        )


class Drawn(NamedTuple):
    """A widget with its drawing."""

    widget: Widget
    drawing: Drawing


def _drawn(widgets: list[Widget], stored: Mapping[str, Stored], now: datetime) -> list[Drawn]:
    drawings = [(each, each.draw(Shown(now, stored.get(each.name, figures.NOTHING)))) for each in widgets]
    return [Drawn(widget, drawing) for widget, drawing in drawings if drawing is not None]


def _next_steps(stored: Mapping[str, Stored]) -> list[dict[str, str]]:
    """Return what has to be set up first: without customers, there is nothing to show."""
    url = url_if("can_list", "Customers", "CustomerView.list")
    if url is None or any(stored.get("customers", figures.NOTHING).values.values()):
        return []
    if db.session.scalar(select(Customer.id).where(Customer.deleted_at.is_(None)).limit(1)) is not None:
        return []
    return [{"label": gettext("Customers"), "url": url, "text": gettext("There is no customer in this tenant yet.")}]
