"""Pages of the rows of a widget, read with one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session


class RowPage(NamedTuple):
    """A page of rows.

    :ivar number: its number, from 1.
    :ivar total: the number of rows of all pages.
    """

    rows: Sequence[Any]
    number: int
    total: int


def read_page(session: Session, query: Any, order: Sequence[Any], *, number: int, size: int) -> RowPage:
    """Return a page of a query's rows; the last one if the requested one is beyond it.

    :param order: the expressions that the rows are sorted by.
    """
    place, total = func.row_number().over(order_by=order).label("place"), func.count().over().label("total")
    numbered = query.add_columns(place, total).subquery()
    page = func.least(number, (numbered.c.total - 1) // size + 1)
    rows = session.execute(
        select(numbered).where((numbered.c.place - 1) // size + 1 == page).order_by(numbered.c.place)
    ).all()
    if not rows:
        return RowPage([], 1, 0)
    return RowPage(rows, (rows[0].place - 1) // size + 1, rows[0].total)
