"""Alerts that may have a database of their own: join their rows with others, and do without them.

In one database, a statement is joined as a sub-query. Between two, its rows are read first and passed to the other
statement as arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ARRAY, FromClause, Select, bindparam, column, func
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models.db import alert_engine
from models.errors import ALERTS_UNAVAILABLE


def joinable(session: Session, statement: Select[*tuple[Any, ...]], name: str) -> FromClause:
    """Return the rows of a statement as something that a statement for the other database can join.

    :param session: a session that sees the rows.
    :param statement: it is about the alerts alone, or about other tables alone. Its columns have names.
    :param name: the name of the rows in the other statement.
    """
    if alert_engine(session) is None:
        return statement.subquery(name)
    columns = list(statement.selected_columns)
    rows = session.execute(statement).all()
    arrays = [
        bindparam(None, [row[place] for row in rows], type_=ARRAY(each.type)) for place, each in enumerate(columns)
    ]
    described = [column(str(each.key), each.type) for each in columns]
    return func.unnest(*arrays).table_valued(*described, name=name).render_derived()


@contextmanager
def optional() -> Iterator[None]:
    """Leave the block without an error if the database of the alerts is unavailable, for pages that have other things too."""
    try:
        yield
    except OperationalError as error:
        if not getattr(error, ALERTS_UNAVAILABLE, False):
            raise
