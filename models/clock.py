"""Dates and months of the business, in Asia/Tokyo. Times are stored in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")


def utc_now() -> datetime:
    """Return the current time. Views and jobs call this; rules take the time as an argument."""
    return datetime.now(UTC)


def tokyo_day(moment: datetime) -> date:
    """Return the date of a time in Tokyo."""
    return moment.astimezone(TOKYO).date()


def day_start(day: date) -> datetime:
    """Return the start of a day in Tokyo."""
    return datetime.combine(day, time.min, TOKYO)


def month_start(day: date) -> date:
    """Return the first day of the month of a date."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """Return the first day of the month after that of a date."""
    return (month_start(day) + timedelta(days=32)).replace(day=1)


def months_before(day: date, months: int) -> date:
    """Return the first day of the month that is a number of months before that of a date."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def screen_time(moment: datetime | None) -> str:
    """Format a time as ``YYYY-MM-DD hh:mm:ss`` in Tokyo, as on every screen; return an empty string for None."""
    return moment.astimezone(TOKYO).isoformat(" ", "seconds")[:19] if moment else ""
