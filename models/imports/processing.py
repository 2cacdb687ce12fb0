"""The processing of an import by a job, in batches. Each batch is one transaction that also stores the outcomes.

If a worker dies, its batch is rolled back, and the next worker continues with the first row without an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from models.actor import Actor
from models.contracts.invoicing import take_billing_turn
from models.errors import N_, Conflict, DomainError, Gone
from models.imports import undoing, writing
from models.imports.import_run import AT_WORK, ImportRow, ImportRun, Outcome, RunState
from models.utms import utm as utm_rules

BATCH = 500
"""The number of rows that are written in one transaction, and together unless some are refused."""

_PIECE = 25
"""The number of rows that are written together when some of a batch are refused."""

NOT_STORED = N_("The database rejected it.")


def tenants_with_work(session: Session) -> list[str]:
    """Return the tenants that have an import to run or to undo.

    :param session: a cross-tenant session.
    """
    return list(session.scalars(select(ImportRun.tenant_id).where(ImportRun.state.in_(AT_WORK)).distinct()))


def work(session: Session, *, now: datetime) -> bool:
    """Write or undo the next rows of the tenant's import. The caller commits.

    :returns: whether there is more to do.
    """
    run = session.scalar(select(ImportRun).where(ImportRun.state.in_(AT_WORK)).with_for_update(skip_locked=True))
    if run is None:
        return False
    take_billing_turn(session, run.tenant_id)
    by = Actor(**run.actor, request_id=f"import {run.id}")
    undoes = run.state == RunState.UNDOING
    of_run = select(ImportRow).where(ImportRow.run_id == run.id).limit(BATCH)
    if undoes:
        # Backwards, so that a customer is deleted after the UTMs and contracts of its later rows.
        of_run = of_run.where(ImportRow.outcome == Outcome.WRITTEN.value).order_by(ImportRow.number.desc())
    else:
        of_run = of_run.where(ImportRow.outcome.is_(None)).order_by(ImportRow.number)
    rows = session.scalars(of_run).all()
    _work_on(session, rows, undoes=undoes, now=now, by=by)
    if len(rows) == BATCH:
        return True
    run.state = RunState.UNDONE.value if undoes else RunState.DONE.value
    run.finished_at = now
    return False


def _work_on(session: Session, rows: Sequence[ImportRow], *, undoes: bool, now: datetime, by: Actor) -> None:
    """Write or undo rows together. If that is refused, do it in pieces, and in single rows in a piece that is refused.

    Dividing them further would repeat the work too often when every row is refused.
    """
    if not rows:
        return
    try:
        with session.begin_nested():
            if undoes:
                undoing.take_back(session, rows, now=now, by=by)
                written = [row.written for row in rows]
            else:
                written = writing.write(session, rows, now=now, by=by)
            session.flush()
    except (DomainError, Conflict, Gone, IntegrityError, DataError) as error:
        if len(rows) > 1:
            size = _PIECE if len(rows) > _PIECE else 1
            for start in range(0, len(rows), size):
                _work_on(session, rows[start : start + size], undoes=undoes, now=now, by=by)
            return
        rows[0].outcome = (Outcome.KEPT if undoes else Outcome.REFUSED).value
        rows[0].refusal = _refusal(error, undoes=undoes)
    else:
        done = Outcome.UNDONE if undoes else Outcome.WRITTEN
        for row, facts in zip(rows, written, strict=True):
            row.outcome, row.written = (done if facts else Outcome.SAME).value, facts
    session.flush()


def _refusal(error: Exception, *, undoes: bool) -> dict[str, Any]:
    if isinstance(error, DomainError):
        return {"message": error.message, "values": {name: str(value) for name, value in error.values.items()}}
    if isinstance(error, Conflict | Gone):
        return {"message": undoing.CHANGED_SINCE if undoes else writing.CHANGED_MEANWHILE, "values": {}}
    diagnosis = getattr(getattr(error, "orig", None), "diag", None)
    known = utm_rules.UNIQUE_ERRORS.get(getattr(diagnosis, "constraint_name", None) or "")
    return {"message": known[1] if known else NOT_STORED, "values": {}}
