"""Client-side timeouts for a database that does not respond.

PostgreSQL cancels statements that run for too long. But if its host hangs or the network drops packets, nothing ends by
itself, and each request would block a thread of the web server until none is left.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from flask import Flask
from psycopg import errors
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext

from models.db import ALERTS, STATEMENT_TIMEOUT_GRACE, db, pair_alerts
from models.errors import ALERTS_UNAVAILABLE

REFUSE_FOR = 5.0
"""Seconds after a connection timeout in which no further connection is attempted, so that requests fail immediately."""

_INTERVAL = 0.1
"""Seconds between psycopg's checks for interrupts while it waits."""


class TimeoutConnection(psycopg.Connection[Any]):
    """A connection that is closed if the server does not respond in time.

    :ivar response_timeout: the timeout in seconds for each response, None for no timeout.
    """

    response_timeout: float | None = None

    def wait(self, gen: Any, interval: float = _INTERVAL, timeout: float | None = None) -> Any:
        """Wait for the server, by default with ``response_timeout`` as the timeout. psycopg calls this for every operation.

        :raises psycopg.OperationalError: the server did not respond in time; the connection is closed.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.response_timeout)
        except errors._WaitTimeout:  # noqa: SLF001  (psycopg has no public name for it)
            self.pgconn.finish()
            raise psycopg.OperationalError("the database does not answer") from None


class Connector:
    """The factory of the pool's connections."""

    def __init__(self) -> None:
        self._refuse_until = 0.0

    def connect(self, _dialect: Any, _record: Any, arguments: Any, options: Any) -> TimeoutConnection:
        """Open a connection. This is a listener of SQLAlchemy's event ``do_connect``.

        :raises psycopg.OperationalError: the server is unavailable, or an attempt timed out less than ``REFUSE_FOR``
            seconds ago.
        """
        if time.monotonic() < self._refuse_until:
            raise psycopg.OperationalError("the database did not answer a moment ago")
        try:
            return TimeoutConnection.connect(*arguments, **options)
        except errors.ConnectionTimeout:
            self._refuse_until = time.monotonic() + REFUSE_FOR
            raise


def _note_unavailable_alerts(context: ExceptionContext) -> None:
    """Note on an error that the database of the alerts cannot be reached, which is told to users (app.web.errors)."""
    error = context.sqlalchemy_exception
    if error is not None and (context.is_disconnect or context.connection is None):
        setattr(error, ALERTS_UNAVAILABLE, True)


def init_app(app: Flask) -> None:
    """Apply the timeouts from the settings to the app's database connections."""
    unused, used = (
        app.config["DATABASE_CONNECT_TIMEOUT"],
        app.config["DATABASE_STATEMENT_TIMEOUT"] + STATEMENT_TIMEOUT_GRACE,
    )

    def taken(connection: Any, *_rest: Any) -> None:
        connection.response_timeout = used

    def given_back(connection: Any, *_rest: Any) -> None:
        # For the ping before the next checkout, which a working server answers immediately.
        if connection is not None:
            connection.response_timeout = unused

    with app.app_context():
        engines = list(db.engines.values())
        if ALERTS in db.engines:
            pair_alerts(db.engine, db.engines[ALERTS])
            event.listen(db.engines[ALERTS], "handle_error", _note_unavailable_alerts)
    for engine in engines:
        event.listen(engine, "do_connect", Connector().connect)
        event.listen(engine, "checkout", taken)
        event.listen(engine, "checkin", given_back)
