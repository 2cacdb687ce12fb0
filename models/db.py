"""The database handle: Flask-SQLAlchemy on Flask-AppBuilder's declarative base.

The base is shared so that our tables and FAB's ``ab_*`` tables use the same metadata and registry.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import psycopg
from flask_appbuilder import Model
from flask_appbuilder.utils.legacy import get_sqla_class
from sqlalchemy import DateTime, func
from sqlalchemy.orm import Session, mapped_column

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

db: SQLAlchemy = get_sqla_class()(model_class=Model)

# FAB's base has no type information; the columns of its subclasses are typed.
Base: Any = Model


def psycopg_connection(session: Session) -> psycopg.Connection[Any]:
    """Return the psycopg connection of a session's transaction, for COPY."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)


STATEMENT_TIMEOUT_GRACE = 5.0
"""Seconds in which a database that is there tells that it ended a statement which took too long."""


def allow_long_statements(session: Session, *, seconds: int) -> None:
    """Let the statements of a session's transaction take longer than those of a page.

    :param seconds: how long each may take.
    """
    session.connection().exec_driver_sql(f"SET LOCAL statement_timeout = '{int(seconds)}s'")
    # Until the connection goes back to its pool (app.database.timeouts).
    cast("Any", psycopg_connection(session)).response_timeout = seconds + STATEMENT_TIMEOUT_GRACE


CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now(), nullable=False)]
"""The time a row was created, by the database's clock."""
