"""Store, start, discard and undo checked imports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from models import after_commit, audit
from models.actor import Actor
from models.errors import N_, DomainError
from models.imports.import_run import ALREADY_RUNNING, AT_WORK, ImportRow, ImportRun, RunState
from models.imports.undoing import changed_since
from models.row_lock import lock, serialize

MAX_ROWS = 5_000
"""The maximum number of rows of a file."""

KEPT_CHECKED = timedelta(hours=24)
"""The time within which a checked import must be started; after that, it is deleted."""

UNDO_FOR = timedelta(days=30)
"""The time within which an import can be undone; after that, its rows are deleted."""

NOT_WAITING = N_("This import has already been started.")
NOT_DONE = N_("Only an import that is done can be undone.")
TOO_LATE = N_("This import can no longer be undone.")
CHANGED = N_("The import cannot be undone, because what these rows wrote has changed since: %(rows)s")

_MAX_NAMED = 50
_BATCH = 1_000


@dataclass(slots=True)
class CheckedRow:
    """A row of a file that has no errors.

    :ivar content: the data to write; see ``models.imports.writing``.
    :ivar differences: the column, old value and new value of each changed field.
    :ivar warnings: the warnings for the user, each as a message marked for translation and its values.
    """

    number: int
    content: dict[str, Any]
    differences: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def store(session: Session, tenant_id: str, file_name: str, rows: Iterable[CheckedRow], *, by: Actor) -> ImportRun:
    """Store the rows of a checked file. They are not written before :func:`start`."""
    found = list(rows)
    actor = {"name": by.name, "user_id": by.user_id, "address": by.address}
    run = ImportRun(tenant_id=tenant_id, file_name=file_name, row_count=len(found), actor=actor)
    session.add(run)
    session.flush()
    values = [
        {
            "tenant_id": tenant_id,
            "run_id": run.id,
            "number": row.number,
            "content": row.content,
            "differences": row.differences,
            "warnings": row.warnings,
        }
        for row in found
    ]
    for start_at in range(0, len(values), _BATCH):
        session.execute(insert(ImportRow), values[start_at : start_at + _BATCH])
    return run


def start(session: Session, run: ImportRun, *, by: Actor) -> None:
    """Start an import: a job will write its rows.

    :raises DomainError: it has already been started, or another import of the tenant is running.
    """
    _work_begins(session, run)
    if run.state != RunState.CHECKED:
        raise DomainError(NOT_WAITING)
    run.state = RunState.RUNNING.value
    run.actor = {"name": by.name, "user_id": by.user_id, "address": by.address}
    audit.record(session, "import.started", run, by=by, after={"file_name": run.file_name, "rows": run.row_count})
    after_commit.register(session, after_commit.IMPORTS)


def discard(session: Session, run: ImportRun) -> None:
    """Delete a checked import.

    :raises DomainError: it has already been started.
    """
    lock(session, run)
    if run.state != RunState.CHECKED:
        raise DomainError(NOT_WAITING)
    session.delete(run)


def may_undo(run: ImportRun, *, now: datetime) -> bool:
    """Return whether an import is done and recent enough to be undone."""
    return run.state == RunState.DONE and now - run.created_at <= UNDO_FOR


def undo(session: Session, run: ImportRun, *, now: datetime, by: Actor) -> None:
    """Start undoing an import: a job will revert everything it wrote. Nothing of it may have changed since.

    :raises DomainError: it is not done or too old, something has changed, or another import of the tenant is running.
    """
    _work_begins(session, run)
    if run.state != RunState.DONE:
        raise DomainError(NOT_DONE)
    if not may_undo(run, now=now):
        raise DomainError(TOO_LATE)
    changed = changed_since(session, run)
    if changed:
        named = ", ".join(map(str, changed[:_MAX_NAMED])) + (" …" if len(changed) > _MAX_NAMED else "")
        raise DomainError(CHANGED, rows=named)
    run.state, run.finished_at = RunState.UNDOING.value, None
    run.actor = {"name": by.name, "user_id": by.user_id, "address": by.address}
    audit.record(session, "import.undone", run, by=by, after={"file_name": run.file_name})
    after_commit.register(session, after_commit.IMPORTS)


def remove_old(session: Session, *, now: datetime) -> None:
    """Delete imports that were not started within a day, and the rows of those that can no longer be undone."""
    session.execute(
        delete(ImportRun).where(ImportRun.state == RunState.CHECKED.value, ImportRun.created_at < now - KEPT_CHECKED)
    )
    old = select(ImportRun.id).where(ImportRun.state.not_in(AT_WORK), ImportRun.created_at < now - UNDO_FOR)
    session.execute(delete(ImportRow).where(ImportRow.run_id.in_(old)))


def _work_begins(session: Session, run: ImportRun) -> None:
    serialize(session, "imports", run.tenant_id)
    lock(session, run)
    at_work = select(ImportRun.id).where(ImportRun.state.in_(AT_WORK), ImportRun.id != run.id).limit(1)
    if session.scalar(at_work) is not None:
        raise DomainError(ALREADY_RUNNING)
