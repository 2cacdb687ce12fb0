"""Paging of a widget's table: the page has several tables, each with a query parameter of its own."""

from __future__ import annotations

from typing import Any

from models.dashboard.paging import RowPage

SIZE = 5
"""The number of rows of a page."""


def pager(argument: str, page: RowPage, *, size: int = SIZE) -> dict[str, Any]:
    """Return the arguments of ``Table`` for its pager.

    :param argument: the query parameter with the number of the page.
    :param size: the number of rows of a page.
    """
    return {"page": page.number, "pages": max(1, -(-page.total // size)), "page_argument": argument}
