"""The IDs of new rows whose table generates them from a sequence, such as A00000001."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, inspect, literal_column, select
from sqlalchemy.orm import Session


def number_rows(session: Session, rows: Sequence[Any]) -> None:
    """Give several new rows of a table the IDs that the database would generate for them, with one statement.

    Rows without an ID would be inserted one by one, because SQLAlchemy could not tell which ID belongs to which row.
    """
    if len(rows) < 2:
        return
    mapper = inspect(type(rows[0]))
    (column,) = mapper.primary_key
    new_id = literal_column(column.server_default.arg.text)
    ids = session.scalars(select(new_id).select_from(func.generate_series(1, len(rows))))
    name = mapper.get_property_by_column(column).key
    for row, value in zip(rows, ids, strict=True):
        setattr(row, name, value)
