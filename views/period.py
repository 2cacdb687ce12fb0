"""表示期間 of the alert screens (§7.17): in days, in months, or a time range within one day. Always in Asia/Tokyo."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from flask_babel import gettext

from models import clock
from models.errors import N_
from views.arguments import iso_day

RECENT_DAYS = 31
"""The period of the security tab and its alert list: today and the 30 days before."""


def recent_days(today: date) -> tuple[date, date]:
    """Return the first and last day of the security tab's period."""
    return today - timedelta(days=RECENT_DAYS - 1), today


INVALID_DAY = N_("Enter a day from 2000 to 2100. It was left out of the search.")
INVALID_MONTH = N_("Enter a month from 2000 to 2100. It was left out of the search.")
NO_TIME = N_("Enter a time as hh:mm. It was left out of the search.")
ENDS_BEFORE = N_("The end is before the start. It was left out of the search.")

_MIDNIGHT, _LAST_MINUTE = time(0, 0), time(23, 59)


class Fault(NamedTuple):
    """A query parameter that is ignored because its value is invalid.

    :ivar typed: its value.
    :ivar message: the error message, translated.
    """

    name: str
    typed: str
    message: str


class PeriodFields(NamedTuple):
    """The inputs of the search form, named after the query parameters."""

    unit: str
    first: str
    last: str
    first_month: str
    last_month: str
    on: str
    from_time: str
    to_time: str
    errors: tuple[tuple[str, str], ...] = ()


_ARGUMENTS = {
    "day": ("unit", "first", "last"),
    "month": ("unit", "first_month", "last_month"),
    "time": ("unit", "on", "from_time", "to_time"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A period chosen by the user.

    :param mode: ``day``, ``month`` or ``time``.
    :param first: the first day.
    :param last: the last day, inclusive.
    :param start_time: the first minute, in ``time`` mode.
    :param end_time: the last minute, inclusive, in ``time`` mode.
    :param faults: the invalid parameters, whose messages are shown next to their fields.
    """

    mode: str
    first: date
    last: date
    start_time: time = _MIDNIGHT
    end_time: time = _LAST_MINUTE
    faults: tuple[Fault, ...] = ()

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
        """The period as displayed on the screen."""
        if self.mode == "month" and self.first == clock.month_start(self.last):
            return f"{self.first:%Y-%m}"
        if self.mode == "month":
            return f"{self.first:%Y-%m} – {self.last:%Y-%m}"
        if self.mode == "time":
            return f"{self.first:%Y-%m-%d} {self.start_time:%H:%M}–{self.end_time:%H:%M}"
        return f"{self.first:%Y-%m-%d} – {self.last:%Y-%m-%d}"

    @property
    def fields(self) -> PeriodFields:
        """All inputs of the search form: invalid values as entered, inputs of the other modes with matching values."""
        fields = self._fields
        if not self.faults:
            return fields
        typed = {fault.name: fault.typed for fault in self.faults}
        return fields._replace(**typed, errors=tuple((fault.name, fault.message) for fault in self.faults))

    @property
    def _fields(self) -> PeriodFields:
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
        """The query parameters that request this period."""
        fields = self._fields
        return {name: getattr(fields, name) for name in _ARGUMENTS[self.mode]}

    @property
    def file_part(self) -> str:
        """The period as part of a file name: two dates, with times in ``time`` mode."""
        if self.mode == "time":
            return f"{self.first:%Y%m%d}{self.start_time:%H%M}_{self.last:%Y%m%d}{self.end_time:%H%M}"
        return f"{self.first:%Y%m%d}_{self.last:%Y%m%d}"


def read_period(args: Mapping[str, str], today: date) -> Period:
    """Return the period that the query parameters request. Invalid values are ignored and recorded as faults.

    A missing end defaults to today or the current month. If the start is missing, the period is the recent days up to the
    end, or the month of the end.

    :param args: ``unit`` (the mode), ``first`` and ``last`` as ISO days, ``first_month`` and ``last_month`` as
        ``YYYY-MM``, ``on``, ``from_time`` and ``to_time`` as a day and ``hh:mm``.
    :param today: the current day in Asia/Tokyo.
    """
    reader = _Reader(args, [])
    read = {"month": _by_month, "time": _by_minutes}.get(args.get("unit", ""), _by_day)
    return replace(read(reader, today), faults=tuple(reader.faults))


class _Reader(NamedTuple):
    """A reader of query parameters that records the invalid ones."""

    args: Mapping[str, str]
    faults: list[Fault]

    def read(self, name: str, parse: Callable[[str], Any], told: str) -> Any:
        """Return the parsed value of a parameter, None if it is missing or invalid."""
        text = self.args.get(name, "")
        value = parse(text) if text else None
        if text and value is None:
            self.refuse(name, told)
        return value

    def refuse(self, name: str, told: str) -> None:
        """Record a parameter as invalid."""
        self.faults.append(Fault(name, self.args.get(name, ""), gettext(told)))


def _by_day(reader: _Reader, today: date) -> Period:
    first, last = (reader.read(name, parse_day, INVALID_DAY) for name in ("first", "last"))
    if first is None:
        first, end = recent_days(last or today)
        return Period("day", max(first, _FIRST_DAY), end)
    return Period("day", *_ordered(first, last or max(first, today)))


def _by_month(reader: _Reader, today: date) -> Period:
    first, last = (reader.read(name, parse_month, INVALID_MONTH) for name in ("first_month", "last_month"))
    first = first or last or today
    first, last = _ordered(first, last or max(first, today))
    return Period("month", clock.month_start(first), clock.next_month(last) - timedelta(days=1))


def _by_minutes(reader: _Reader, today: date) -> Period:
    day = reader.read("on", parse_day, INVALID_DAY) or today
    start = reader.read("from_time", _time, NO_TIME) or _MIDNIGHT
    end = reader.read("to_time", _time, NO_TIME) or _LAST_MINUTE
    if end < start:
        # The times are not swapped: a range from evening to morning would become the day in between.
        reader.refuse("to_time", ENDS_BEFORE)
        end = _LAST_MINUTE
    return Period("time", day, day, start, end)


def _ordered(one: Any, other: Any) -> tuple[Any, Any]:
    """Return the two ends of a period in ascending order, in case they were entered in reverse."""
    return (one, other) if one <= other else (other, one)


# Other years are typing errors, and date arithmetic fails at the limits of ``date``.
_YEARS = range(2000, 2101)
_FIRST_DAY = date(_YEARS.start, 1, 1)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(text: str) -> date | None:
    """Parse a day, ``YYYY-MM-DD``; return None for any other text, and for a year that can only be a typing error."""
    day = iso_day(text) if _DAY.fullmatch(text) else None
    return day if day is not None and day.year in _YEARS else None


def parse_month(text: str) -> date | None:
    """Parse a month, ``YYYY-MM``, and return its first day; return None for any other text."""
    return parse_day(f"{text}-01")


def _time(text: str) -> time | None:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  (a time of day has no zone)
    except ValueError:
        return None
