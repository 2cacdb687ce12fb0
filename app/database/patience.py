"""How long the portal waits for a database that does not answer.

PostgreSQL ends statements that run for too long, as long as it is there. When its host hangs, or the network swallows
what is sent, nothing ends by itself, and each request would keep a thread of the web server until none is left.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from flask import Flask
from psycopg import errors
from sqlalchemy import event

from models.db import GRACE, db

REFUSE_FOR = 5.0
"""Seconds after a connection that timed out in which no other is tried: those who come then are answered at once."""

_INTERVAL = 0.1
"""Seconds after which psycopg looks whether it was interrupted."""


_INTERVAL = 0.1
"""Seconds between two looks for Ctrl-C while waiting; psycopg's own."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is given up when the server does not answer in time.

    :ivar patience: seconds to wait for each answer, None for as long as it takes.
    """

    patience: float | None = None

    def wait(self, gen: Any, interval: float = _INTERVAL, timeout: float | None = None) -> Any:
        """Wait for the server, as psycopg does wherever it does.

        :raises psycopg.OperationalError: no answer came; the connection is closed.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except errors._WaitTimeout:  # noqa: SLF001  (psycopg has no public name for it)
            self.pgconn.finish()
            raise psycopg.OperationalError("the database does not answer") from None


class Connector:
    """Makes the connections of the pool."""

    def __init__(self) -> None:
        self._refuse_until = 0.0

    def connect(self, _dialect: Any, _record: Any, arguments: Any, options: Any) -> PatientConnection:
        """Make a connection, for SQLAlchemy's event ``do_connect``.

        :raises psycopg.OperationalError: there is no server, or it does not answer, or did not a moment ago.
        """
        if time.monotonic() < self._refuse_until:
            raise psycopg.OperationalError("the database did not answer a moment ago")
        try:
            return PatientConnection.connect(*arguments, **options)
        except errors.ConnectionTimeout:
            self._refuse_until = time.monotonic() + REFUSE_FOR
            raise


def init_app(app: Flask) -> None:
    """Let the app's connections wait no longer than its settings say."""
    unused, used = app.config["DATABASE_CONNECT_TIMEOUT"], app.config["DATABASE_STATEMENT_TIMEOUT"] + GRACE

    def taken(connection: Any, *_rest: Any) -> None:
        connection.patience = used

    def given_back(connection: Any, *_rest: Any) -> None:
        # Before it is taken the next time it is asked whether it still works, which is answered at once or not at all.
        if connection is not None:
            connection.patience = unused

    with app.app_context():
        engine = db.engine
    event.listen(engine, "do_connect", Connector().connect)
    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", given_back)
