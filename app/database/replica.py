"""The connections to the streaming replica (``READ_DATABASE_URL``), which screens that only read use."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import create_engine

from app.database import timeouts
from models.replica import Replica

CONNECT_TIMEOUT = 2
"""Seconds the replica may take to accept a connection, and to answer on one that was not used: the primary is there."""

_POOL_TIMEOUT = 1
"""Seconds to wait for a connection while others have them all; then the primary is read."""


def init_app(app: Flask) -> None:
    """Create the engine of the replica, with the timeouts of the primary; nothing if there is no replica."""
    url = app.config["READ_DATABASE_URL"]
    if not url:
        app.extensions["replica"] = None
        return
    options = dict(app.config["SQLALCHEMY_ENGINE_OPTIONS"])
    options["connect_args"] = options.get("connect_args", {}) | {
        "application_name": "portal reading",
        "connect_timeout": CONNECT_TIMEOUT,
    }
    # Every transaction begins with BEGIN READ ONLY, which holds behind a pooler too, and if the URL is the primary's.
    read_only = {"execution_options": {"postgresql_readonly": True}, "pool_timeout": _POOL_TIMEOUT}
    engine = create_engine(url, **options | read_only)
    timeouts.listen(engine, unused=CONNECT_TIMEOUT, used=timeouts.statement_limit(app))
    app.extensions["replica"] = Replica(engine, most_behind=app.config["READ_DATABASE_MAX_LAG"])
