"""Days and months as the business counts them: in Asia/Tokyo. Times are kept in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")


def utc_now() -> datetime:
    """The time now. Rules take it as an argument; views and jobs ask here."""
    return datetime.now(UTC)


def tokyo_day(moment: datetime) -> date:
    """The day a moment falls on in Tokyo."""
    return moment.astimezone(TOKYO).date()


def day_start(day: date) -> datetime:
    """The first moment of a day in Tokyo."""
    return datetime.combine(day, time.min, TOKYO)


def month_start(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after a day's month."""
    return (month_start(day) + timedelta(days=32)).replace(day=1)


def months_before(day: date, months: int) -> date:
    """The first day of the month that many months before a day's month."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def screen_time(moment: datetime | None) -> str:
    """``YYYY-MM-DD hh:mm:ss`` in Tokyo, as every screen shows times; empty for None."""
    return moment.astimezone(TOKYO).isoformat(" ", "seconds")[:19] if moment else ""
