"""The period of a chart: a day, drawn by hour, or a month, drawn by day. Always in Asia/Tokyo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, SmallInteger, cast, extract, func

from models import clock

HOURS = range(24)


@dataclass(frozen=True, slots=True)
class Span:
    """The period of a chart.

    :param unit: ``day`` or ``month``.
    :param first: the day, or the first day of the month.
    :param last: the day, or the last day of the month that is drawn: a month that has not ended has no later points.
    """

    unit: str
    first: date
    last: date

    @classmethod
    def of_day(cls, day: date) -> Span:
        """Return the period of a day."""
        return cls("day", day, day)

    @classmethod
    def of_month(cls, month: date, *, latest: date) -> Span:
        """Return the period of a month.

        :param month: any day of the month.
        :param latest: no later day is drawn.
        """
        return cls("month", clock.month_start(month), min(clock.next_month(month) - timedelta(days=1), latest))

    @property
    def by_hour(self) -> bool:
        """Whether the chart has a point for each hour, else one for each day."""
        return self.unit == "day"

    @property
    def month(self) -> date:
        """The first day of the month that the period is in."""
        return clock.month_start(self.first)

    @property
    def start(self) -> datetime:
        """The first moment."""
        return clock.day_start(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        return clock.day_start(self.last + timedelta(days=1))

    @property
    def points(self) -> Sequence[int]:
        """The hours from 0 to 23, or the days from 1 to the last one."""
        return HOURS if self.by_hour else range(1, self.last.day + 1)

    def series(self) -> list[int]:
        """Return a new series, with 0 at each point."""
        return [0] * len(self.points)

    def place(self, point: int) -> int:
        """Return the index in a series of an hour or a day of the month."""
        return point if self.by_hour else point - 1


def tokyo_point(moment: Any, *, by_hour: bool) -> ColumnElement[int]:
    """Return the SQL expression for the point of a chart that a column's time belongs to."""
    return cast(extract("hour" if by_hour else "day", func.timezone("Asia/Tokyo", moment)), SmallInteger)
