"""The decorator of all jobs: it logs the run, records it in the schedule, and keeps personal data out of errors.

RQ writes the exception of a failed job with its full message to its log and to Redis. PostgreSQL's messages quote
values of rows. Therefore a job fails with ``JobFailed`` instead, which contains only the kind and place of the error.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial, wraps
from pathlib import Path

from flask import current_app
from redis.exceptions import RedisError
from rq import get_current_job
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs import queue_figures
from models import clock, request_id
from models.db import db
from models.operations import schedule

log = logging.getLogger("portal.job")

_SELF = Path(__file__)
_ROOT = _SELF.parents[1]
_LAYERS = (_ROOT / "models", _ROOT / "jobs")


class JobFailed(Exception):
    """A job failed; this is already logged. The message and its note (the place) are safe for logs and screens."""


def job(*, entry: str | None = None, quiet: bool = False) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Turn a function into a job. The function must be idempotent.

    :param entry: the entry of the schedule in which each run is recorded.
    :param quiet: log successful runs at DEBUG only, for jobs that run every minute, unless a request caused the run.
    """

    def decorate(body: Callable[[], None]) -> Callable[[], None]:
        name = f"{body.__module__}.{body.__name__}"

        @wraps(body)
        def run() -> None:
            began = time.perf_counter()
            problem = _attempt(body)
            if entry is not None:
                # If this fails, the row still shows an unfinished run, and a later tick repeats it.
                took = timedelta(seconds=time.perf_counter() - began)
                error = describe(problem) if problem else None
                record_error = _attempt(partial(_record_run, entry, error=error, took=took))
                problem = problem or record_error
            facts = _facts(name, began, failed=problem is not None)
            if problem:
                what, where = describe(problem), _where(problem)
                log.error("job failed", extra=facts | {"error": what, "at": where})
                failed = JobFailed(what)
                if where:
                    failed.add_note(where)
                raise failed from None
            # What a request caused is not one of the runs of every minute.
            level = logging.DEBUG if quiet and request_id.current() is None else logging.INFO
            log.log(level, "job done", extra=facts)

        return run

    return decorate


def describe(problem: BaseException) -> str:
    """Describe an error: the class and, for database errors, the SQLSTATE and the constraint. Never a value."""
    words = [type(problem).__name__]
    if isinstance(problem, DBAPIError):
        sqlstate = getattr(problem.orig, "sqlstate", None)
        constraint = getattr(getattr(problem.orig, "diag", None), "constraint_name", None)
        words += [word for word in (sqlstate, constraint) if word]
    return " ".join(words)


def _attempt(step: Callable[[], None]) -> Exception | None:
    try:
        step()
    except Exception as problem:  # noqa: BLE001  (any error is recorded and logged)
        return problem
    return None


def _record_run(entry: str, *, error: str | None, took: timedelta) -> None:
    with Session(db.engine) as session, session.begin():
        schedule.record_finished(session, entry, now=clock.utc_now(), error=error, took=took)


def _facts(name: str, began: float, *, failed: bool) -> dict[str, object]:
    """Return what the log has of a run, and count it if a worker runs it."""
    current = get_current_job()
    seconds = time.perf_counter() - began
    if current is not None:
        with suppress(RedisError):
            queue_figures.count_run(current_app.extensions["redis"], name, failed=failed, seconds=seconds)
    return {
        "job": name,
        "job_id": current.id if current else None,
        "outcome": "failed" if failed else "done",
        "ms": round(seconds * 1000),
    }


def _where(problem: Exception) -> str | None:
    """Return the line of our code that failed, such as ``models/alerts/retention.py:31``."""
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        path = Path(frame.filename)
        if path != _SELF and any(path.is_relative_to(layer) for layer in _LAYERS):
            return f"{path.relative_to(_ROOT)}:{frame.lineno}"
    return None
