"""表示期間 of the alert screens (§7.17): by day, by month, or one day with times. Always in Asia/Tokyo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from models import clock

MODES = ("day", "month", "time")
RECENT_DAYS = 31
"""Today and the 30 days before it: what the security tab and its alert list show."""


def recent_days(today: date) -> tuple[date, date]:
    """The first and last day of the security tab's period."""
    return today - timedelta(days=RECENT_DAYS - 1), today


@dataclass(frozen=True, slots=True)
class Period:
    """A period as the person chose it.

    :param mode: one of ``MODES``.
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
    def file_part(self) -> str:
        """What a file name says of it: two dates, with minutes where they were chosen."""
        if self.mode == "time":
            return f"{self.first:%Y%m%d}{self.start_time:%H%M}_{self.last:%Y%m%d}{self.end_time:%H%M}"
        return f"{self.first:%Y%m%d}_{self.last:%Y%m%d}"


def read_period(args: Mapping[str, str], today: date) -> Period:
    """The period the arguments ask for; whatever is nonsense falls back to the recent days.

    :param args: ``period`` (the mode), ``from`` and ``to`` as ISO days, ``from_month`` and ``to_month`` as
        ``YYYY-MM``, ``day``, ``start`` and ``end`` as ``HH:MM``.
    :param today: the day in Asia/Tokyo.
    """
    first, last = recent_days(today)
    mode = args.get("period", "day")
    if mode == "month":
        start = _month(args.get("from_month")) or clock.month_start(today)
        end = _month(args.get("to_month")) or start
        start, end = min(start, end), max(start, end)
        return Period("month", start, clock.next_month(end) - timedelta(days=1))
    if mode == "time":
        day = _day(args.get("day")) or today
        start_time = _time(args.get("start"), time(0, 0))
        end_time = _time(args.get("end"), time(23, 59))
        return Period("time", day, day, min(start_time, end_time), max(start_time, end_time))
    chosen_first = _day(args.get("from"))
    chosen_last = _day(args.get("to"))
    if chosen_first is None and chosen_last is None:
        return Period("day", first, last)
    chosen_last = chosen_last or max(chosen_first or last, last)
    chosen_first = chosen_first or chosen_last
    return Period("day", min(chosen_first, chosen_last), max(chosen_first, chosen_last))


# Years outside these are typing mistakes, and arithmetic at the ends of the calendar fails.
_YEARS = range(2000, 2101)


def _day(text: str | None) -> date | None:
    try:
        day = datetime.strptime(text or "", "%Y-%m-%d").date()  # noqa: DTZ007  (a day has no zone)
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
