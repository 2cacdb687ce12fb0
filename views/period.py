"""表示期間 of the alert screens (§7.17): by day, by month, or one day with times. Always in Asia/Tokyo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from models import clock

RECENT_DAYS = 31
"""Today and the 30 days before it: what the security tab and its alert list show."""


def recent_days(today: date) -> tuple[date, date]:
    """The first and last day of the security tab's period."""
    return today - timedelta(days=RECENT_DAYS - 1), today


class PeriodFields(NamedTuple):
    """The inputs of the search form, named as the page's arguments."""

    unit: str
    first: str
    last: str
    first_month: str
    last_month: str
    on: str
    from_time: str
    to_time: str


_ARGUMENTS = {
    "day": ("unit", "first", "last"),
    "month": ("unit", "first_month", "last_month"),
    "time": ("unit", "on", "from_time", "to_time"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A period as the person chose it.

    :param mode: ``day``, ``month`` or ``time``.
    :param first: the first day.
    :param last: the last day, included.
    :param start_time: the first minute, in ``time`` mode.
    :param end_time: the last minute, included, in ``time`` mode.
    """

    mode: str
    first: date
    last: date
    start_time: time = time(0, 0)
    end_time: time = time(23, 59)

    @property
    def start(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, self.start_time if self.mode == "time" else time.min, clock.TOKYO)

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        if self.mode == "time":
            return datetime.combine(self.last, self.end_time, clock.TOKYO) + timedelta(minutes=1)
        return clock.day_start(self.last + timedelta(days=1))

    @property
    def text(self) -> str:
        """What the screen says of it."""
        if self.mode == "month" and self.first == clock.month_start(self.last):
            return f"{self.first:%Y-%m}"
        if self.mode == "month":
            return f"{self.first:%Y-%m} – {self.last:%Y-%m}"
        if self.mode == "time":
            return f"{self.first:%Y-%m-%d} {self.start_time:%H:%M}–{self.end_time:%H:%M}"
        return f"{self.first:%Y-%m-%d} – {self.last:%Y-%m-%d}"

    @property
    def fields(self) -> PeriodFields:
        """Every input of the search form, those of the other modes with what fits."""
        first, last = self.first.isoformat(), self.last.isoformat()
        return PeriodFields(
            unit=self.mode,
            first=first,
            last=last,
            first_month=first[:7],
            last_month=last[:7],
            on=last,
            from_time=f"{self.start_time:%H:%M}",
            to_time=f"{self.end_time:%H:%M}",
        )

    @property
    def arguments(self) -> dict[str, str]:
        """The page arguments that ask for this period."""
        fields = self.fields
        return {name: getattr(fields, name) for name in _ARGUMENTS[self.mode]}

    @property
    def file_part(self) -> str:
        """What a file name says of it: two dates, with minutes where they were chosen."""
        if self.mode == "time":
            return f"{self.first:%Y%m%d}{self.start_time:%H%M}_{self.last:%Y%m%d}{self.end_time:%H%M}"
        return f"{self.first:%Y%m%d}_{self.last:%Y%m%d}"


def read_period(args: Mapping[str, str], today: date) -> Period:
    """The period the arguments ask for; whatever is nonsense falls back to the recent days.

    :param args: ``unit`` (the mode), ``first`` and ``last`` as ISO days, ``first_month`` and ``last_month`` as
        ``YYYY-MM``, ``on``, ``from_time`` and ``to_time`` as a day and ``hh:mm``.
    :param today: the day in Asia/Tokyo.
    """
    match args.get("unit"):
        case "month":
            return _by_month(args, today)
        case "time":
            day = _day(args.get("on")) or today
            start, end = _ordered(_time(args.get("from_time"), time(0, 0)), _time(args.get("to_time"), time(23, 59)))
            return Period("time", day, day, start, end)
        case _:
            return _by_day(args, today)


def _by_day(args: Mapping[str, str], today: date) -> Period:
    first, last = _day(args.get("first")), _day(args.get("last"))
    if first is None and last is None:
        return Period("day", *recent_days(today))
    return Period("day", *_ordered(first or last, last or first))


def _by_month(args: Mapping[str, str], today: date) -> Period:
    first, last = _month(args.get("first_month")), _month(args.get("last_month"))
    first, last = _ordered(first or last or clock.month_start(today), last or first or today)
    return Period("month", clock.month_start(first), clock.next_month(last) - timedelta(days=1))


def _ordered(one: Any, other: Any) -> tuple[Any, Any]:
    """Two ends in the order that was meant, whichever was typed first."""
    return (one, other) if one <= other else (other, one)


# Years outside these are typing mistakes, and arithmetic at the ends of the calendar fails.
_YEARS = range(2000, 2101)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(text: str | None) -> date | None:
    if text is None or not _DAY.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def _month(text: str | None) -> date | None:
    return _day(f"{text}-01") if text else None


def _time(text: str | None, default: time) -> time:
    try:
        return datetime.strptime(text or "", "%H:%M").time()  # noqa: DTZ007  (a time of day has no zone)
    except ValueError:
        return default
