"""Connections of the pool: whether one that lay there still stands is asked only where there is a doubt."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import Dialect, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from models.db import db

TRUSTED_SECONDS = 10.0
"""For so long a connection that is silent counts as standing: a network that swallows it says nothing."""


def init_app(app: Flask) -> None:
    """Look at each connection that is taken out of the pool.

    A question of its own for every request is a round trip to the database. A server that ends says so on its
    connections, and nothing else is ever waiting there to be read.
    """
    with app.app_context():
        engine = db.engine

    def refuse_ended(connection: psycopg.Connection[Any], entry: ConnectionPoolEntry, _proxy: Any) -> None:
        # The engine's own dialect: a connection is taken by whoever has the engine, also outside the app's context.
        _refuse_ended(engine.dialect, connection, entry)

    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", refuse_ended)


def _note_return(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info["returned"] = time.monotonic()


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
