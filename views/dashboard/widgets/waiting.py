"""The applications that have waited longest for a decision."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext, lazy_gettext, ngettext

from models.applications.application import ApplicationState
from models.applications.waiting import Waiting, longest_waiting
from models.db import db
from views.base import url_if
from views.screen import formats
from views.screen.table import Button, Empty, filled_table
from views.waiting import format_waiting_time
from views.widget import HALF, Listing, Shown, Widget

_SHOWN = 5
_RIGHT = ("can_list", "ServiceApplications")
_STATES = formats.badge(
    {ApplicationState.PENDING: lazy_gettext("Undecided"), ApplicationState.HELD: lazy_gettext("On hold")},
    {ApplicationState.PENDING: "blue", ApplicationState.HELD: "orange"},
)


def _draw(shown: Shown) -> Listing:
    utm_list = url_if("can_list", "UtmApplications", "UtmApplicationView.list")
    found, count = longest_waiting(db.session(), service=True, for_utm=utm_list is not None, limit=_SHOWN)
    table = filled_table(
        [
            (gettext("Application number"), formats.linked_value(formats.CODE), _application),
            (gettext("Company name"), formats.TEXT, lambda each: each.company),
            (gettext("Status"), _STATES, lambda each: each.state),
            (gettext("Waiting for"), formats.TEXT, lambda each: _age(each.applied_at, shown.now)),
        ],
        found,
        title=WIDGET.title,
        stacks=False,
        note=ngettext("%(count)s application", "%(count)s applications", count, count=f"{count:,}"),
        links=[Button(gettext("Show all"), url)] if (url := url_if(*_RIGHT, "ServiceApplicationView.list")) else [],
        empty=Empty("clipboard-check", gettext("No application is waiting for a decision.")),
    )
    return Listing(table)


def _application(each: Waiting) -> formats.LinkedValue:
    if each.for_utm:
        url = url_if("can_show", "UtmApplications", "UtmApplicationView.show", utm_application_id=each.id)
    else:
        url = url_if("can_show", "ServiceApplications", "ServiceApplicationView.show", application_id=each.id)
    return formats.LinkedValue(each.id, url)


def _age(since: datetime, now: datetime) -> str:
    return format_waiting_time(now - since)


WIDGET = Widget("waiting", lazy_gettext("Waiting applications"), _RIGHT, 110, _draw, width=HALF)
