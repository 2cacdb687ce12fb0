"""NECスタッフの入室: when NEC staff entered the tenant in the last days, and why."""

from __future__ import annotations

from datetime import timedelta

from flask import g
from flask_babel import gettext, lazy_gettext

from models.db import db
from models.tenants.staff_entry import recent_entries
from views.base import url_if
from views.screen import formats
from views.screen.table import Button, filled_table
from views.widget import HALF, Listing, Shown, Widget

_SHOWN = 5
_DAYS = timedelta(days=31)
_RIGHT = ("can_list", "AuditLog")


def _draw(shown: Shown) -> Listing | None:
    found = recent_entries(db.session(), g.identity.tenant.id, since=shown.now - _DAYS, most=_SHOWN)
    if not found:
        return None
    log_url = url_if(*_RIGHT, "AuditLogView.list", action="entered")
    table = filled_table(
        [
            (gettext("Date and time"), formats.TIME, lambda row: row.at),
            (gettext("Reason"), formats.TEXT, lambda row: row.reason),
        ],
        found,
        title=WIDGET.title,
        stacks=False,
        note=gettext("Last 31 days"),
        links=[Button(gettext("Show all"), log_url)] if log_url else [],
    )
    return Listing(table)


WIDGET = Widget("staff_entries", lazy_gettext("Entries of NEC staff"), _RIGHT, 140, _draw, width=HALF)
