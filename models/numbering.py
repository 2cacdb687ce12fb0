"""IDs that the database generates from a sequence, such as A00000001."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text, func


def next_number(prefix: str, sequence: str, *, digits: int = 8) -> Any:
    """Return the server default of a column with such IDs: the prefix and the digits of the number.

    It is marked as increasing, so that SQLAlchemy can insert several rows with one statement: the order of the generated
    IDs tells which one belongs to which row. Such a column must be the table's ``insert_sentinel``.
    """
    number = func.lpad(func.nextval(sequence).cast(Text), digits, "0")
    # Not concat, which SQLAlchemy has a class for that does not take the mark.
    return func.format(f"{prefix}%s", number, monotonic=True)
