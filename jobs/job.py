"""What every job is wrapped in: its log line, its note in the timetable, and an end without personal data.

RQ writes the exception of a failed job into its log and into Redis, with all it says. What PostgreSQL says names
values of rows, so that a job ends with ``JobFailed`` instead, which says what kind of thing went wrong, and where.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path

from rq import get_current_job
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import clock
from models.db import db
from models.operations import schedule

log = logging.getLogger("portal.job")

_SELF = Path(__file__)
_ROOT = _SELF.parents[1]
_LAYERS = (_ROOT / "models", _ROOT / "jobs")


class JobFailed(Exception):
    """A job went wrong. The text is fit for logs and screens, and so is its note, the place; the log has its line already."""


def job(*, entry: str | None = None, quiet: bool = False) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Make a function a job. It must leave, when run twice, what running it once leaves.

    :param entry: the entry of the timetable whose row is to say how each run went.
    :param quiet: log runs that went well only at DEBUG, for what runs every minute.
    """

    def decorate(body: Callable[[], None]) -> Callable[[], None]:
        name = f"{body.__module__}.{body.__name__}"

        @wraps(body)
        def run() -> None:
            began = time.perf_counter()
            problem = _attempt(body)
            if entry is not None:
                # When this fails, the row goes on saying that the run has not ended, and a later tick repeats it.
                unnoted = _attempt(partial(_note, entry, error=describe(problem) if problem else None))
                problem = problem or unnoted
            facts = _facts(name, began)
            if problem:
                what, where = describe(problem), _where(problem)
                log.error("job failed", extra=facts | {"error": what, "at": where})
                failed = JobFailed(what)
                if where:
                    failed.add_note(where)
                raise failed from None
            log.log(logging.DEBUG if quiet else logging.INFO, "job done", extra=facts)

        return run

    return decorate


def describe(problem: BaseException) -> str:
    """What kind of thing went wrong: the class and, from the database, sqlstate and constraint. Never a value."""
    words = [type(problem).__name__]
    if isinstance(problem, DBAPIError):
        sqlstate = getattr(problem.orig, "sqlstate", None)
        constraint = getattr(getattr(problem.orig, "diag", None), "constraint_name", None)
        words += [word for word in (sqlstate, constraint) if word]
    return " ".join(words)


def _attempt(step: Callable[[], None]) -> Exception | None:
    try:
        step()
    except Exception as problem:  # noqa: BLE001  (whatever it is, the timetable and the log are told)
        return problem
    return None


def _note(entry: str, *, error: str | None) -> None:
    with Session(db.engine) as session, session.begin():
        schedule.note_finished(session, entry, now=clock.utc_now(), error=error)


def _facts(name: str, began: float) -> dict[str, object]:
    current = get_current_job()
    return {
        "job": name,
        "job_id": current.id if current else None,
        "ms": round((time.perf_counter() - began) * 1000),
    }


def _where(problem: Exception) -> str | None:
    """The line of ours that was being run, such as ``models/alerts/retention.py:31``."""
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        path = Path(frame.filename)
        if path != _SELF and any(path.is_relative_to(layer) for layer in _LAYERS):
            return f"{path.relative_to(_ROOT)}:{frame.lineno}"
    return None
