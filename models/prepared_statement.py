"""Statements put together once, for pages on which that takes longer than running them.

They go to the driver itself, as text: what the database's policies let pass is all that holds a tenant's rows together
here (docs/adr/0002-tenancy.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import ClauseElement
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_DIALECT = postgresql.psycopg.dialect()


class PreparedStatement(NamedTuple):
    """A statement as the driver takes it.

    :param text: with a place for each value.
    :param values: those that are always the same.
    :param by_key: whether it looks for one row by its key. The server keeps such a statement, and soon plans it no more;
        a plan for any values of another would be one for any customer and any period, say, and so read every month.
    """

    text: str
    values: Mapping[str, Any]
    by_key: bool = False

    def run(self, session: Session, values: Mapping[str, Any]) -> list[Any]:
        """The rows of the statement, run in a session's transaction, and so in its tenant: named tuples.

        Who listens for the engine's statements hears of it; SQLAlchemy's cursor was half of what a small statement cost.

        :param values: by the names of the statement's ``bindparam``.
        :raises sqlalchemy.exc.DBAPIError: as SQLAlchemy would, and the connection is given up when it has ended.
        """
        connection = session.connection()
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        parameters = {**self.values, **values}
        cursor = driver.cursor(row_factory=namedtuple_row)
        connection.engine.dispatch.before_cursor_execute(connection, cursor, self.text, parameters, None, False)
        try:
            return cursor.execute(self.text, parameters, prepare=self.by_key).fetchall()
        except psycopg.Error as error:
            if driver.closed:
                connection.invalidate(error)
            raise DBAPIError.instance(
                self.text,
                parameters,
                error,
                psycopg.Error,
                connection_invalidated=driver.closed,
                dialect=connection.dialect,
            ) from error


def prepare(statement: ClauseElement, *, by_key: bool = False) -> PreparedStatement:
    """A statement to keep, or a part of one.

    :param statement: of columns only, with a ``bindparam`` for each value that changes.
    :param by_key: of ``PreparedStatement``.
    """
    compiled = statement.compile(dialect=_DIALECT)
    values = {name: value for name, value in compiled.params.items() if value is not None}
    return PreparedStatement(compiled.string, values, by_key=by_key)
