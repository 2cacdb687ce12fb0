"""Statements compiled once, for pages on which compiling them takes longer than running them.

They bypass the ORM and so its criteria: what the database's policies let pass is all that holds a tenant's rows together
here (docs/adr/0002-tenancy.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, Row
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

_DIALECT = postgresql.psycopg.dialect()


class PreparedStatement(NamedTuple):
    """A statement as the driver takes it.

    :param text: with a placeholder for each value.
    :param values: those that are always the same.
    """

    text: str
    values: Mapping[str, Any]

    def run(self, session: Session, values: Mapping[str, Any]) -> Sequence[Row[*tuple[Any, ...]]]:
        """Run the statement in a session's transaction, and so in its tenant, and return its rows.

        :param values: by the names of the statement's ``bindparam``.
        :raises sqlalchemy.exc.DBAPIError: the database refuses it.
        """
        return session.connection().exec_driver_sql(self.text, {**self.values, **values}).all()


def prepare(statement: ClauseElement) -> PreparedStatement:
    """Compile a statement, or a part of one, to keep it.

    :param statement: of columns only, with a ``bindparam`` for each value that changes.
    """
    compiled = statement.compile(dialect=_DIALECT)
    values = {name: value for name, value in compiled.params.items() if value is not None}
    return PreparedStatement(compiled.string, values)
