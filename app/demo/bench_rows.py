"""Insert many rows at once for the benchmark tenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql
from sqlalchemy import insert
from sqlalchemy.orm import Session

from models.db import psycopg_connection

Row = dict[str, Any]


def insert_rows(session: Session, model: Any, rows: Sequence[Row]) -> list[Any]:
    """Insert rows and return their primary keys in the same order."""
    return list(session.scalars(insert(model).returning(model.id, sort_by_parameter_order=True), rows)) if rows else []


def copy_rows(session: Session, model: Any, rows: Sequence[Row]) -> None:
    """Insert rows by COPY, which is faster, but does not return their keys.

    They are copied into a temporary table, because PostgreSQL refuses COPY into a table with row-level security.

    :param rows: rows with the same columns.
    """
    if not rows:
        return
    names = list(rows[0])
    table, columns = sql.Identifier(model.__tablename__), sql.SQL(", ").join(map(sql.Identifier, names))
    with psycopg_connection(session.connection()).cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE bench_row ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                columns, table
            )
        )
        with cursor.copy(sql.SQL("COPY bench_row ({}) FROM STDIN").format(columns)) as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
        cursor.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM bench_row").format(table, columns, columns))
        cursor.execute("DROP TABLE bench_row")
