"""Generic rules for tables without special ones: create, change and delete, each with an audit entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, update
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import NOTHING_CHANGED, DomainError
from models.insertion import insert_rows
from models.row_lock import lock
from models.versioned import lock_version


def apply_change(session: Session, row: Any, values: Mapping[str, Any], *, action: str, by: Actor) -> None:
    """Apply changed values to a row and record them in the audit log.

    :param action: the action in the audit log, such as ``customer.changed``.
    :raises DomainError: nothing changes.
    """
    apply_changes(session, [(row, values)], action=action, by=by)


def apply_changes(
    session: Session, changed: Iterable[tuple[Any, Mapping[str, Any]]], *, action: str, by: Actor
) -> None:
    """Apply changed values to several rows and record them in the audit log, like :func:`apply_change`.

    :param changed: the rows with their values.
    :raises DomainError: nothing changes in a row.
    """
    entries = []
    for row, values in changed:
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
        entry = audit.change_of(row)
        if entry.before is None and entry.after is None:
            raise DomainError(NOTHING_CHANGED)
        entries.append(entry)
    audit.record_all(session, action, entries, by=by)


def set_all(session: Session, rows: Sequence[Any], values: Mapping[str, Any], *, action: str, by: Actor) -> None:
    """Set the same values in several locked rows of a versioned table, and record them in the audit log.

    One statement updates them all. In a flush, SQLAlchemy updates each versioned row by itself.
    """
    if not rows:
        return
    before = [{name: getattr(row, name) for name in values} for row in rows]
    audit.record_all(session, action, (audit.change(*each, values) for each in zip(rows, before, strict=True)), by=by)
    model = type(rows[0])
    (key,) = inspect(model).primary_key
    session.execute(
        update(model)
        .where(key.in_([inspect(row).identity[0] for row in rows]))
        .values(**values, version=model.version + 1)
    )


def apply_creation(session: Session, row: Any, *, action: str, by: Actor) -> None:
    """Add a row and record it in the audit log."""
    session.add(row)
    _, after = audit.changes(row)
    session.flush()
    audit.record(session, action, row, by=by, after=after)


def apply_creations(session: Session, rows: Sequence[Any], *, action: str, by: Actor) -> None:
    """Add several rows of a table and record them in the audit log; see :func:`insert_rows` for which ones."""
    if len(rows) == 1:
        # The usual case outside imports; the result is the same.
        apply_creation(session, rows[0], action=action, by=by)
        return
    entries = [audit.change_of(row) for row in rows]
    insert_rows(session, rows)
    audit.record_all(session, action, entries, by=by)


class PlainRules:
    """Create, change and delete the rows of a versioned table.

    :param model: the model class.
    :param name: the first part of the actions in the audit log.
    """

    def __init__(self, model: Any, name: str) -> None:
        self.model = model
        self.name = name

    def create(self, session: Session, values: Mapping[str, Any], *, by: Actor) -> Any:
        """Create a row."""
        row = self.model(**values)
        apply_creation(session, row, action=f"{self.name}.created", by=by)
        return row

    def change(self, session: Session, row: Any, values: Mapping[str, Any], *, version: int, by: Actor) -> None:
        """Change a row.

        :raises Conflict: the row was changed after the person opened it.
        :raises DomainError: nothing changes.
        """
        lock_version(session, row, version)
        apply_change(session, row, values, action=f"{self.name}.changed", by=by)

    def delete(self, session: Session, row: Any, *, now: datetime, by: Actor) -> None:
        """Delete a row.

        :raises Gone: it was deleted concurrently.
        """
        lock(session, row)
        audit.record(session, f"{self.name}.deleted", row, by=by, before=audit.values_of(row))
        session.delete(row)
