"""The database of the alerts, for installations that have one (docs/adr/0022-alert-database.md)."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext

from app.database import timeouts
from models.db import ALERTS, db, pair_alerts
from models.errors import ALERTS_UNAVAILABLE


def add_bind(app: Flask) -> None:
    """Let Flask-SQLAlchemy make an engine for it, with the options of the main one. Call this before ``db.init_app``."""
    if url := app.config["ALERT_DATABASE_URL"]:
        app.config["SQLALCHEMY_BINDS"] = {ALERTS: {"url": url, **app.config["SQLALCHEMY_ENGINE_OPTIONS"]}}


def init_app(app: Flask) -> None:
    """Connect the sessions of the main database, and of its replica, with it. Call this after ``replica.init_app``."""
    with app.app_context():
        main, alerts = db.engine, db.engines.get(ALERTS)
    if alerts is None:
        return
    pair_alerts(main, alerts)
    if (replica := app.extensions["replica"]) is not None:
        pair_alerts(replica.engine, alerts)
    timeouts.listen(alerts, unused=app.config["DATABASE_CONNECT_TIMEOUT"], used=timeouts.statement_limit(app))
    event.listen(alerts, "handle_error", _note_unavailable)


def _note_unavailable(context: ExceptionContext) -> None:
    """Note on an error that the database cannot be reached, which is told to users (app.web.errors)."""
    error = context.sqlalchemy_exception
    # Citus reports a worker that it cannot reach with an error of this class, and the connection to it remains.
    worker_away = (getattr(context.original_exception, "sqlstate", None) or "").startswith("08")
    if error is not None and (context.is_disconnect or context.connection is None or worker_away):
        setattr(error, ALERTS_UNAVAILABLE, True)
