"""One page of a list that turns by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and whether there is more on either side.

    :ivar count: how many rows there are, counted to one past the cap; None where that is a question of its own
        (counted by a statement of its own).
    """

    rows: Sequence[Any]
    has_previous: bool
    has_next: bool
    count: int | None = None
