"""Statements put together once, for pages on which that takes longer than running them.

They go to the driver as text: what the database's policies let pass is all that holds a tenant's rows together here
(docs/adr/0002-tenancy.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, CursorResult
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from models.db import prepared

_DIALECT = postgresql.psycopg.dialect()


class Kept(NamedTuple):
    """A statement as the driver takes it.

    :param text: with a place for each value.
    :param values: those that are always the same.
    :param by_key: whether it looks for one row by its key, and one plan fits all values.
    """

    text: str
    values: Mapping[str, Any]
    by_key: bool = False

    def run(self, session: Session, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Run the statement in a session's transaction, and so in its tenant.

        :param values: by the names of the statement's ``bindparam``.
        """
        connection = session.connection()
        with prepared(session) if self.by_key else nullcontext():
            return connection.exec_driver_sql(self.text, {**self.values, **values})


def kept(statement: ClauseElement, *, by_key: bool = False) -> Kept:
    """A statement to keep, or a part of one.

    :param statement: of columns only, with a ``bindparam`` for each value that changes.
    :param by_key: of ``Kept``.
    """
    compiled = statement.compile(dialect=_DIALECT)
    values = {name: value for name, value in compiled.params.items() if value is not None}
    return Kept(compiled.string, values, by_key=by_key)
