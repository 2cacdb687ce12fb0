"""Who changed a row: its entries of the audit log as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from models.audit import AuditEntry, entries_about
from models.db import db

_NONE = "-"
_SENTENCES = {"created": "added", "changed": "changed", "deleted": "deleted", "restored": "restored"}
"""The last part of an action -> what ``Labels`` says of it."""


class Change(NamedTuple):
    """One line of the change history.

    :ivar item: the label of the column, or what was done when no column was.
    """

    at: datetime
    actor: str
    item: Any
    before: str = _NONE
    after: str = _NONE


def changes_of(screen: Any, row: Any) -> list[Change]:
    """Return the changes of a row, newest first, a line for each column."""
    return [line for entry in entries_about(db.session(), row) for line in _lines(screen, entry)]


def _lines(screen: Any, entry: AuditEntry) -> list[Change]:
    if not entry.names:
        return [Change(entry.at, entry.actor, _done(screen, entry.action))]
    return [
        Change(
            entry.at,
            entry.actor,
            screen.label_of(name),
            *(screen.recorded(name, (values or {}).get(name)) or _NONE for values in (entry.before, entry.after)),
        )
        for name in entry.names
    ]


def _done(screen: Any, action: str) -> str:
    sentence = _SENTENCES.get(action.rpartition(".")[2])
    return screen.labels.say(sentence) if sentence else action
