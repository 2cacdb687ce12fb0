"""The database handle: Flask-SQLAlchemy on Flask-AppBuilder's declarative base.

The base is shared so that our tables and FAB's ``ab_*`` tables use the same metadata and registry.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast
from weakref import WeakKeyDictionary

import psycopg
from flask_appbuilder import Model
from flask_appbuilder.utils.legacy import get_sqla_class
from sqlalchemy import ClauseElement, Connection, DateTime, Engine, Table, func
from sqlalchemy.orm import Session, mapped_column
from sqlalchemy.sql import visitors

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

db: SQLAlchemy = get_sqla_class()(model_class=Model)

# FAB's base has no type information; the columns of its subclasses are typed.
Base: Any = Model


ALERTS = "alerts"
"""The key of the engine of the alerts, if they have a database of their own (setting ``ALERT_DATABASE_URL``)."""

ALERT_AREA = {"database": ALERTS}
"""The ``info`` of the tables that are in this database (docs/adr/0022-alert-database.md)."""


_alert_engines: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()


def pair_alerts(engine: Engine, alerts: Engine) -> None:
    """Let the sessions of an engine find the alerts in a database of their own.

    :param engine: the engine of the main database.
    :param alerts: the engine of the alerts.
    """
    _alert_engines[engine] = alerts


def alert_engine(session: Session) -> Engine | None:
    """Return the engine of the alerts for a session, None if they are in the main database."""
    return _alert_engines.get(session.get_bind().engine) if _alert_engines else None


def alert_connection(session: Session) -> Connection:
    """Return the connection of a session's transaction that has the tables of the alerts."""
    engine = alert_engine(session)
    return session.connection() if engine is None else session.connection(bind_arguments={"bind": engine})


def is_about_alerts(statement: ClauseElement) -> bool:
    """Return whether a statement is for the database of the alerts.

    Text is for the main database: run it on ``alert_connection``.

    :raises LookupError: it has tables of both.
    """
    areas = {each.info.get("database") for each in visitors.iterate(cast("Any", statement)) if isinstance(each, Table)}
    if ALERTS in areas and len(areas) > 1:
        raise LookupError("A statement has tables of the alerts and others, which can be in different databases.")
    return ALERTS in areas


def psycopg_connection(connection: Connection) -> psycopg.Connection[Any]:
    """Return the psycopg connection of a connection, for COPY."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


STATEMENT_TIMEOUT_GRACE = 5.0
"""Seconds in which a database that is there tells that it ended a statement which took too long."""


def allow_long_statements(connection: Connection, *, seconds: int) -> None:
    """Let the statements of a connection's transaction take longer than those of a page.

    :param seconds: how long each may take.
    """
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{int(seconds)}s'")
    # Until the connection goes back to its pool (app.database.timeouts).
    cast("Any", psycopg_connection(connection)).response_timeout = seconds + STATEMENT_TIMEOUT_GRACE


CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now(), nullable=False)]
"""The time a row was created, by the database's clock."""
