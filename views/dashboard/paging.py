"""Paging of a widget's table: the page has several tables, each with a query parameter of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from views.arguments import page_number


class Paged(NamedTuple):
    """A page of rows.

    :ivar options: the arguments of ``Table`` for its pager.
    """

    rows: Sequence[Any]
    options: dict[str, Any]


def paged(argument: str, size: int, read: Callable[[int, int], tuple[Sequence[Any], int]]) -> Paged:
    """Return the requested page, or the first one if that is beyond the last.

    :param argument: the query parameter with the number of the page.
    :param read: returns the rows of a page, and the number of all rows, for a limit and an offset.
    """
    number = page_number(argument)
    rows, count = read(size, (number - 1) * size)
    if not rows and number > 1:
        number = 1
        rows, count = read(size, 0)
    pages = max(1, -(-count // size))
    return Paged(rows, {"page": number, "pages": pages, "page_argument": argument})
