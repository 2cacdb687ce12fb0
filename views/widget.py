"""The declaration of a widget of the dashboard (§5.1): its figures, the permission it needs, and how it is drawn.

A widget is a module of ``views.dashboard.widgets`` with a ``WIDGET``, or an item of ``WIDGETS`` in an area's register.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from models.dashboard.figures import Source, Stored
from views.screen.table import Table


class Shown(NamedTuple):
    """What a widget is drawn from.

    :ivar stored: its stored figures.
    """

    now: datetime
    stored: Stored


class Figure(NamedTuple):
    """A number of a widget.

    :ivar value: None if it is not known yet.
    :ivar label: what it counts, if the title of the widget is not sufficient.
    :ivar url: of the list that it counts; None for people who may not open it.
    :ivar tone: ``danger`` for a number that needs attention.
    """

    value: int | None
    unit: str
    url: str | None
    label: str = ""
    tone: str = ""


class Bar(NamedTuple):
    """A month of a chart.

    :ivar text: the number as displayed.
    :ivar height: of the bar, in percent of the highest one.
    """

    label: str
    text: str
    url: str | None
    height: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """A drawing that consists of one or several numbers, with an icon.

    :ivar tone: of the icon.
    :ivar as_of: the time of the numbers.
    """

    kind: ClassVar[str] = "numbers"

    icon: str
    tone: str
    figures: Sequence[Figure]
    as_of: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Months:
    """A drawing of the current month's number, its change, and a bar for each of three months, the oldest first.

    :ivar text: the number as displayed.
    :ivar change: the change since last month in percent; None if it cannot be compared.
    """

    kind: ClassVar[str] = "months"

    text: str
    unit: str
    url: str | None
    change: int | None
    bars: Sequence[Bar]
    as_of: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A drawing that is a table."""

    kind: ClassVar[str] = "listing"

    table: Table


Drawing = Numbers | Months | Listing

QUARTER = "col-12 col-sm-6 col-xl-3"
THIRD = "col-12 col-lg-4"
HALF = "col-12 col-lg-6"
TWO_THIRDS = "col-12 col-lg-8"
FULL = "col-12"


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget.

    :param name: its name in the URL, in preferences and in the stored figures.
    :param title: the title, translated when displayed.
    :param right: the permission and its view that opening the list of its rows requires; without it, the widget is hidden.
    :param order: its place by default, in ascending order.
    :param draw: returns what to show, or None for nothing.
    :param source: its stored figures; None if it reads its rows itself.
    :param unless: permissions and their views that together lead to the same rows: for people who have them all, the widget is
        hidden.
    :param width: the CSS classes of its width.
    """

    name: str
    title: Any
    right: tuple[str, str]
    order: int
    draw: Callable[[Shown], Drawing | None]
    source: Source | None = None
    unless: Sequence[tuple[str, str]] = ()
    width: str = QUARTER


def bar_heights(values: Sequence[int]) -> list[int]:
    """Return the heights of the bars for values, in percent of the highest one; 0 for negative values."""
    highest = max([0, *values])
    return [round(max(0, value) * 100 / highest) if highest else 0 for value in values]


def change_in_percent(now: int, before: int) -> int | None:
    """Return the change from a number to a later one in whole percent; None if the earlier one is 0."""
    return round((now - before) * 100 / abs(before)) if before else None
