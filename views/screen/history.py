"""The change history of a row, from the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import g
from flask_babel import gettext
from sqlalchemy import inspect

from models.audit import AuditEntry, entries_about, entries_about_parts
from models.db import db
from views.audit_labels import action_label
from views.screen import formats
from views.screen.formats import Format
from views.screen.table import Table, filled_table
from views.transaction import cross_tenant_session

_SENTENCES = {"created": "added", "changed": "changed", "deleted": "deleted", "restored": "restored"}
"""The last part of an action's name -> the key of the sentence in ``Labels``."""

VALUE = Format(lambda value: formats.LINES.html(value) if "\n" in value else value, css=formats.TEXT.css)
"""The format of a value that ``recorded`` of a screen returned."""


def has_history(screen: Any) -> bool:
    """Return whether the change history of a row is on its page, or below its form."""
    return bool(screen.history and {"show", "edit"} & screen.include_route_methods)


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
    # The page names the parent, which never changes.
    parent = screen.parent.column if screen.parent is not None else None
    return _table(
        found,
        lambda entry: [name for name in informative_names(screen, entry) if name != parent],
        lambda entry, name: _item(screen, entry, name),
        lambda values, name: recorded_value(screen, values, name),
    )


def page_history(
    subject_type: str,
    subject_ids: Sequence[str],
    *,
    label: Callable[[AuditEntry, str], Any],
    text: Callable[[str, Any], str],
) -> Table:
    """Return the changes of what a page of the tenant shows that is no ``Screen``, like :func:`history_table`.

    :param subject_ids: the IDs of the rows that the page shows.
    :param label: returns the label of a changed column of an entry.
    :param text: returns a value of a column, which may be None, as displayed to the user.
    """
    found = entries_about_parts(db.session(), subject_type, subject_ids, tenant_id=g.identity.tenant.id)
    return _table(
        found,
        lambda entry: entry.names,
        lambda entry, name: str(action_label(entry.action)) if name is None else label(entry, name),
        lambda values, name: text(name, values[name]) if name is not None and name in (values or {}) else None,
    )


def _table(
    found: Iterable[AuditEntry],
    names_of: Callable[[AuditEntry], Sequence[str]],
    item: Callable[[AuditEntry, str | None], Any],
    value: Callable[[Any, str | None], str | None],
) -> Table:
    """Return a row for each changed column of entries, or one for an entry without columns."""
    changes: list[tuple[AuditEntry, str | None]] = []
    for entry in found:
        changes += [(entry, name) for name in names_of(entry)] or [(entry, None)]
    return filled_table(
        [
            (gettext("Date and time"), formats.TIME, lambda change: change[0].at),
            (gettext("Changed by"), formats.TEXT, lambda change: change[0].actor),
            (gettext("Item"), formats.PLAIN, lambda change: item(*change)),
            (gettext("Before"), VALUE, lambda change: value(change[0].before, change[1])),
            (gettext("After"), VALUE, lambda change: value(change[0].after, change[1])),
        ],
        changes,
        title=gettext("Change history"),
    )


def informative_names(screen: Any, entry: AuditEntry) -> list[str]:
    """Return the changed columns of an entry about a row of a screen, without those that tell nothing about the row.

    These are its key and its tenant, which never change, and what the screen omits.
    """
    omitted = {each.key for each in inspect(screen.model).primary_key} | {"tenant_id", *screen.history_omits}
    return [name for name in entry.names if name not in omitted]


def recorded_value(screen: Any, values: dict[str, Any] | None, name: str | None) -> str | None:
    """Return a value of an entry as displayed to the user; None if the entry does not have it.

    :param values: those before or after the change.
    """
    if name is None or values is None or name not in values:
        return None
    return str(screen.recorded(name, values[name]))


def _item(screen: Any, entry: AuditEntry, name: str | None) -> Any:
    """Return the label of the changed column, or a sentence about the action if no column was changed."""
    if name is not None:
        return screen.label_alone(name)
    sentence = _SENTENCES.get(entry.action.rpartition(".")[2])
    return screen.labels.message(sentence) if sentence else str(action_label(entry.action))
