"""Count requests, their SQL statements and sign-ins for ``/metrics``."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from flask import Flask, Response, g, request
from sqlalchemy import event
from sqlalchemy.orm import Session
from sqlalchemy.orm.session import SessionTransaction

from app.database.engines import engines
from models import audit
from views import metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SIGN_IN = "sign_in."

# A list of one number, because a listener of the engine is called without knowing the request, several times in one.
_statements: ContextVar[list[int] | None] = ContextVar("statements", default=None)


def init_app(app: Flask) -> None:
    """Count every request from now on. Call it before other hooks refuse requests."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def count_statements(app: Flask) -> None:
    """Count the statements that the app's engines execute. Call it when the databases are set up."""
    with app.app_context():
        for engine in engines(app).values():
            event.listen(engine, "before_cursor_execute", _count)


def _begin() -> None:
    g.metrics_began = time.perf_counter()
    _statements.set([0])


def _count(*_arguments: Any) -> None:
    counted = _statements.get()
    if counted is not None:
        counted[0] += 1


def _end(response: Response) -> Response:
    began = g.get("metrics_began")
    if began is None:
        return response
    # The rule, because paths contain identifiers, and anybody can ask for as many as they like.
    route = str(request.url_rule) if request.url_rule else metrics.UNKNOWN_ROUTE
    method = request.method if request.method in _METHODS else "other"
    metrics.REQUESTS.labels(route, method, f"{response.status_code // 100}xx").inc()
    metrics.REQUEST_SECONDS.labels(route).observe(time.perf_counter() - began)
    counted = (_statements.get() or [0])[0]
    metrics.STATEMENTS.observe(counted)
    if counted:
        metrics.ROUTE_STATEMENTS.labels(route).inc(counted)
    if response.status_code == 429:
        metrics.RATE_LIMITED.labels(route).inc()
    return response


def _forget(_error: BaseException | None = None) -> None:
    _statements.set(None)


@event.listens_for(Session, "after_commit")
def _count_sign_ins(session: Session) -> None:
    for action, number in audit.take_recorded(session).items():
        if action.startswith(_SIGN_IN):
            metrics.SIGN_INS.labels(action.removeprefix(_SIGN_IN)).inc(number)


@event.listens_for(Session, "after_soft_rollback")
def _forget_sign_ins(session: Session, previous: SessionTransaction) -> None:
    if not previous.nested:
        audit.take_recorded(session)
