"""Connections of the pool: when one is asked whether it still stands, and how a request leaves it.

The driver forgets at a ROLLBACK which statements the server has kept for it, and a request that only looks used to end
with one: who a request is from was planned for each request anew.
"""

from __future__ import annotations

import select
import sys
import time
from typing import Any

import psycopg
from flask import Flask, has_request_context, request
from sqlalchemy import Connection, Dialect, event
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from models.db import db

_PREPARED_AFTER = 5  # psycopg's own
_NEVER = sys.maxsize
_WRITES = "writes"

TRUSTED_SECONDS = 10.0
"""For so long a connection that is silent counts as standing: a network that swallows it says nothing."""


def init_app(app: Flask) -> None:
    """Look at each connection that is taken out of the pool, and at what is done with it.

    A question of its own for every request is a round trip to the database. A server that ends says so on its
    connections, and nothing else is ever waiting there to be read.
    """
    with app.app_context():
        engine = db.engine

    def refuse_ended(connection: psycopg.Connection[Any], entry: ConnectionPoolEntry, _proxy: Any) -> None:
        # The engine's own dialect: a connection is taken by whoever has the engine, also outside the app's context.
        _refuse_ended(engine.dialect, connection, entry)
        entry.info[_WRITES] = False
        # In a request only what says so is kept by the server: one plan seldom fits what people look for. None would be
        # for what says so as well.
        connection.prepare_threshold = _NEVER if has_request_context() else _PREPARED_AFTER

    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "before_cursor_execute", _note_writing)
    app.teardown_request(_end_reading)
    event.listen(engine, "checkout", refuse_ended)


def _note_return(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info["returned"] = time.monotonic()


def _note_writing(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if not statement.startswith("SELECT"):
        connection.info[_WRITES] = True


def _end_reading(error: BaseException | None) -> None:
    """End the transaction of a request that only looked with COMMIT."""
    if error is not None or request.method not in {"GET", "HEAD"} or not db.session.registry.has():
        return
    session = db.session()
    if not session.in_transaction() or session.new or session.dirty or session.deleted:
        return
    try:
        connection = session.connection()
        if not connection.info[_WRITES]:
            # Not of the session: that would look through everything it has loaded, which nobody uses any more.
            connection.get_transaction().commit()
    except SQLAlchemyError:
        session.rollback()


def _refuse_ended(dialect: Dialect, connection: psycopg.Connection[Any], entry: ConnectionPoolEntry) -> None:
    returned = entry.info.pop("returned", None)
    if returned is None or (time.monotonic() - returned < TRUSTED_SECONDS and not _something_waits(connection)):
        return
    try:
        dialect.do_ping(connection)
    except psycopg.Error as error:
        # All that lie there came from the server that is gone.
        raise InvalidatePoolError from error


def _something_waits(connection: psycopg.Connection[Any]) -> bool:
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
