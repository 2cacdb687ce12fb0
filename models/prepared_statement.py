"""Statements that are compiled once, for pages where compiling takes longer than running them.

They bypass the ORM and its loader criteria: only the row-level security policies restrict them to the tenant's rows
(docs/adr/0002-tenancy.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, Row
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from models.db import alert_connection, is_about_alerts

_DIALECT = postgresql.psycopg.dialect()


class PreparedStatement(NamedTuple):
    """A compiled statement in the form that psycopg takes.

    :param text: the SQL, with a placeholder for each value.
    :param values: the constant values.
    :param about_alerts: whether it is for the database of the alerts.
    """

    text: str
    values: Mapping[str, Any]
    about_alerts: bool

    def run(self, session: Session, values: Mapping[str, Any]) -> Sequence[Row[*tuple[Any, ...]]]:
        """Run the statement in a session's transaction, and so in its tenant, and return its rows.

        :param values: by the names of the statement's ``bindparam`` elements.
        :raises sqlalchemy.exc.DBAPIError: the statement fails.
        """
        connection = alert_connection(session) if self.about_alerts else session.connection()
        return connection.exec_driver_sql(self.text, {**self.values, **values}).all()


def prepare(statement: ClauseElement) -> PreparedStatement:
    """Compile a statement, or a part of one, for repeated use.

    :param statement: it selects only columns, with a ``bindparam`` for each variable value.
    """
    compiled = statement.compile(dialect=_DIALECT)
    values = {name: value for name, value in compiled.params.items() if value is not None}
    return PreparedStatement(compiled.string, values, is_about_alerts(statement))
