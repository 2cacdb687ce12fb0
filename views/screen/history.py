"""The change history of a row, from the audit log."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from models.audit import AuditEntry, entries_about
from models.db import db
from views.audit_labels import action_label
from views.screen import formats
from views.screen.table import Table, filled_table
from views.transaction import cross_tenant_session

_SENTENCES = {"created": "added", "changed": "changed", "deleted": "deleted", "restored": "restored"}
"""The last part of an action's name -> the key of the sentence in ``Labels``."""


def history_table(screen: Any, row: Any) -> Table | None:
    """Return the changes of a row, newest first: a row for each changed column, or one for an entry without columns.

    What belongs to no tenant is changed by NEC's staff, whose names only those see who may read their log.

    :returns: None for those who may not.
    """
    session = db.session()
    if screen.tenantless:
        if not screen.appbuilder.sm.has_access("can_list", "StaffAuditLog"):
            return None
        session = cross_tenant_session("the history of what belongs to no tenant, or of one of all tenants' rows")
    found = entries_about(session, row, outside_tenants=screen.tenantless, without=screen.history_without)
    changes: list[tuple[AuditEntry, str | None]] = []
    for entry in found:
        changes += [(entry, name) for name in entry.names] or [(entry, None)]
    return filled_table(
        [
            (gettext("Date and time"), formats.TIME, lambda change: change[0].at),
            (gettext("Changed by"), formats.TEXT, lambda change: change[0].actor),
            (gettext("Item"), formats.PLAIN, lambda change: _item(screen, *change)),
            (gettext("Before"), formats.TEXT, lambda change: _value(screen, change[0].before, change[1])),
            (gettext("After"), formats.TEXT, lambda change: _value(screen, change[0].after, change[1])),
        ],
        changes,
        title=gettext("Change history"),
    )


def _item(screen: Any, entry: AuditEntry, name: str | None) -> Any:
    """Return the label of the changed column, or a sentence about the action if no column was changed."""
    if name is not None:
        return screen.label_alone(name)
    sentence = _SENTENCES.get(entry.action.rpartition(".")[2])
    return screen.labels.message(sentence) if sentence else str(action_label(entry.action))


def _value(screen: Any, values: dict[str, Any] | None, name: str | None) -> Any:
    return screen.recorded(name, (values or {}).get(name)) if name is not None else None
