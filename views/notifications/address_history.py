"""The change history of the notification addresses."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import gettext

from models.audit import AuditEntry
from models.notifications.address import SLOTS
from views.notifications.waiting import LABELS
from views.screen.history import page_history
from views.screen.table import Table


def address_history() -> Table:
    """Return the changes of the addresses of the present tenant, newest first."""
    ids = [f"{g.identity.tenant.id}/{slot}" for slot in SLOTS]
    return page_history("NotificationAddress", ids, label=_label, text=lambda _name, value: str(value or "-"))


def _label(entry: AuditEntry, name: str) -> Any:
    address = gettext(LABELS[int(entry.subject_id.rpartition("/")[2]) - 1])
    return f"{address}: {gettext('New address')}" if name == "asked_for" else address
