"""CSV files for spreadsheets, streamed from PostgreSQL's COPY in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from models.db import allow_long_statements, psycopg_connection

FORMULA = "=+-@＝＋－＠"
"""A spreadsheet evaluates a cell that begins with one of these as a formula; Japanese ones also take full-width forms."""
CONTROLS = "\t\r\n"
"""Dangerous on their own: what follows one of these can end up in another cell or row."""
BLANKS = (
    CONTROLS + " \v\f\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
)
"""Some spreadsheets ignore these before a formula."""
_BLOCK_BYTES = 64 * 1024
_LONGEST = 30 * 60


def blocks(
    connection: Connection, query: sql.Composable, values: Any = None, *, quoted: bool = False
) -> Iterator[bytes]:
    """Generate the rows of a query as CSV with CRLF line ends.

    :param connection: that of a session of the tenant; it is busy until the last block is consumed.
    :param values: the values of the query's placeholders.
    :param quoted: whether each cell is in quotation marks, so that programs with an option for it read all as text.
    """
    # COPY takes no parameters: the driver inserts the values into the statement as literals.
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv{})").format(
        query, sql.SQL(", FORCE_QUOTE *" if quoted else "")
    )
    # A slow reader holds the statement open: the limit that stops runaway statements is not for it.
    allow_long_statements(connection, seconds=_LONGEST)
    with psycopg_connection(connection).cursor() as cursor, cursor.copy(statement, values) as copy:
        block = bytearray()
        for row in copy:
            block += memoryview(row)[:-1]  # each piece is one row with its LF
            block += b"\r\n"
            if len(block) >= _BLOCK_BYTES:
                yield bytes(block)
                block.clear()
    if block:
        yield bytes(block)


def label(column: str, labels: Mapping[Any, str]) -> sql.Composable:
    """Return an expression for the label of a column's value.

    :param labels: the label of each value; another value is shown as it is.
    """
    cases = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(str(value)), sql.Literal(text)) for value, text in labels.items()
    )
    return sql.SQL("CASE {column} {cases} ELSE {column} END").format(column=sql.SQL(column), cases=cases)


def safe(cell: sql.Composable) -> sql.Composable:
    """Return an expression for a text that a spreadsheet does not interpret as a formula."""
    # Comparing code points is much faster than a regular expression for each cell of a hundred thousand rows. ascii()
    # returns the code point of the first character, also beyond ASCII. Most cells are left after the first comparison.
    return sql.SQL(
        "CASE WHEN ascii({cell}) IN ({suspect})"
        " AND (ascii({cell}) IN ({at_once}) OR ascii(ltrim({cell}, {blanks})) IN ({formula}))"
        " THEN '''' || {cell} ELSE {cell} END"
    ).format(
        cell=cell,
        suspect=_code_points(FORMULA + BLANKS),
        at_once=_code_points(FORMULA + CONTROLS),
        blanks=sql.Literal(BLANKS),
        formula=_code_points(FORMULA),
    )


def _code_points(text: str) -> sql.Composable:
    return sql.SQL(", ").join(sql.Literal(ord(char)) for char in text)
