"""A page of a list with keyset pagination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and whether there are pages before and after it.

    :ivar count: the number of rows, counted up to one more than the cap; None when a separate statement counts them.
    """

    rows: Sequence[Any]
    has_previous: bool
    has_next: bool
    count: int | None = None
