"""The charts of a page. A chart is drawn from the table of its numbers, which is on the page too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext

from models.reports.span import Span
from views.screen.table import Column, Row, Table

MAX_SERIES = 10
"""With more lines, a chart cannot be read."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with the table of its numbers.

    :ivar function: the security function that it is about.
    :ivar kinds: how each series is drawn, ``bar`` or ``line``, separated by blanks; further series as the last one.
    :ivar empty: whether there is nothing to draw.
    """

    function: str
    kinds: str
    table: Table
    empty: bool


def chart(function: str, kinds: str, span: Span, series: Mapping[str, Sequence[float]]) -> Chart:
    """Return a chart.

    :param series: the values of each series by its name; names are unique.
    """
    columns = [
        Column("point", gettext("Time of day") if span.by_hour else gettext("Date"), css="tnum"),
        *(Column(f"series{number}", name, css="number") for number, name in enumerate(series)),
    ]
    rows = [
        Row([label, *map(number_text, values)])
        for label, *values in zip(point_labels(span), *series.values(), strict=True)
    ]
    empty = not any(map(any, series.values()))
    return Chart(function, kinds, Table(columns, rows, css="table-sm chart-numbers"), empty)


def point_labels(span: Span) -> list[str]:
    """Return the label of each point of a period: ``hh:mm`` or ``MM-DD``."""
    if span.by_hour:
        return [f"{hour:02}:00" for hour in span.points]
    return [f"{span.month:%m}-{day:02}" for day in span.points]


def number_text(number: float) -> str:
    """Return a number as displayed: an average with two decimals."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.2f}"
