"""Conditions on a part of a text.

Row-level security keeps column statistics from LIKE, whose function is not leakproof. The planner then assumes that a part
of a few characters is in no row, and reads and sorts all rows of a tenant for one page. It assumes of ``strpos(..) > 0``
that it holds for a third of the rows, and reads a page in the order of an index. No index supports either of them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func


def has_part(text: Any, part: str) -> ColumnElement[bool]:
    """Return the condition that a text has a part, in the same case.

    :param text: a column.
    """
    return func.strpos(text, part) > 0


def has_part_in_any_case(text: Any, part: str) -> ColumnElement[bool]:
    """Return the condition that a text has a part, in any case.

    :param text: a column.
    """
    return func.strpos(func.lower(text), func.lower(part)) > 0
