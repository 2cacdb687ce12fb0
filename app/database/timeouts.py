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
from sqlalchemy import Engine, event

from models.db import STATEMENT_TIMEOUT_GRACE, db

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

    def rollback(self) -> None:
        """Roll back the transaction; one that could only read is committed, which is the same to the database.

        After a ROLLBACK, psycopg forgets which statements are prepared, and the statements of each page would be planned anew.

        A lost connection has no transaction any more. That is no error: a request ends with this when its response is complete.
        """
        try:
            if self.read_only:
                self.commit()
            else:
                super().rollback()
        except psycopg.OperationalError:
            if not self.closed:
                raise


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


def init_app(app: Flask) -> None:
    """Apply the timeouts from the settings to the app's database connections."""
    with app.app_context():
        engine = db.engine
    listen(engine, unused=app.config["DATABASE_CONNECT_TIMEOUT"], used=statement_limit(app))


def statement_limit(app: Flask) -> float:
    """Return the seconds in which each statement of a page must be answered."""
    return float(app.config["DATABASE_STATEMENT_TIMEOUT"] + STATEMENT_TIMEOUT_GRACE)


def listen(engine: Engine, *, unused: float, used: float) -> None:
    """Apply timeouts to the connections of an engine.

    :param unused: seconds for the ping before a checkout from the pool, which a working server answers immediately.
    :param used: seconds for each response to a connection that was checked out.
    """

    def taken(connection: Any, *_rest: Any) -> None:
        connection.response_timeout = used
        if connection.read_only:
            connection.read_only = None

    def given_back(connection: Any, *_rest: Any) -> None:
        if connection is not None:
            connection.response_timeout = unused

    event.listen(engine, "do_connect", Connector().connect)
    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", given_back)
