"""The customers with the most important alerts of the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import get_template_attribute, url_for
from flask_babel import gettext, lazy_gettext

from models import clock
from models.alerts.cross_database import optional
from models.alerts.important import important_by_customer
from models.db import db
from models.utms.fleet import SecurityStatus, security_status
from views.base import url_if
from views.dashboard.fleet import own_fleet
from views.period import recent_days
from views.screen import formats
from views.screen.table import Empty, Table, filled_table
from views.widget import HALF, Listing, Shown, Widget

_MAX_SHOWN = 10
_ICONS = {
    SecurityStatus.NO_UTM: "router",
    SecurityStatus.NOT_MONITORED: "wifi-off",
    SecurityStatus.CLEAR: "shield-check",
}


def _draw(shown: Shown) -> Listing:
    first, last = recent_days(clock.tokyo_day(shown.now))
    with optional():
        found = important_by_customer(db.session(), first=first, last=last, limit=_MAX_SHOWN)
        return Listing(_table(found, None if found else _nothing_found(shown.now)))
    return Listing(_table([], Empty("plug-off", gettext("Alerts are not available at the moment"))))


def _table(found: Sequence[tuple[str, str, int]], empty: Empty | None) -> Table:
    return filled_table(
        [
            (gettext("Company ID"), formats.linked_value(formats.CODE), lambda row: _customer(row[0])),
            (gettext("Company name"), formats.TEXT, lambda row: row[1]),
            (gettext("Important alerts"), formats.linked_value(formats.NUMBER), lambda row: _alerts(row[0], row[2])),
        ],
        found,
        title=WIDGET.title,
        stacks=False,
        note=gettext("Last 31 days"),
        empty=empty,
    )


def _nothing_found(now: datetime) -> Empty:
    """Return the message without alerts: "nothing found" is only true if all UTMs are online."""
    fleet = own_fleet(now)
    status = security_status(fleet, important_alerts=0)
    words = get_template_attribute("macros/badges.html", "security_words")(status, fleet).strip()
    hint = gettext("Customers appear here when one of their UTMs raises an important alert.")
    return Empty(_ICONS[status], words, hint)


def _customer(customer_id: str) -> formats.LinkedValue:
    url = url_if("can_show", "Customers", "CustomerView.show", customer_id=customer_id)
    return formats.LinkedValue(customer_id, url)


def _alerts(customer_id: str, count: int) -> formats.LinkedValue:
    return formats.LinkedValue(count, url_for("AlertView.important", customer_id=customer_id))


WIDGET = Widget(
    "important",
    lazy_gettext("Customers with important alerts"),
    ("can_important", "Alerts"),
    100,
    _draw,
    width=HALF,
)
