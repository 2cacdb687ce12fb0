from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from models import clock


def test_now_is_in_utc():
    assert clock.utc_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 22, 14, 59, 59, 999999, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 15, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 12, 31, 15, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 15, 0, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=-7))), date(2026, 11, 23)),
    ],
)
def test_days_begin_at_midnight_in_tokyo(moment, day):
    assert clock.tokyo_day(moment) == day


def test_a_day_starts_at_three_in_the_afternoon_of_the_day_before_in_utc():
    assert clock.day_start(date(2026, 11, 22)) == datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    assert clock.day_start(date(2027, 1, 1)) == datetime(2026, 12, 31, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "first", "following"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 1, 31), date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 2, 28), date(2026, 2, 1), date(2026, 3, 1)),
        (date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        (date(2026, 4, 30), date(2026, 4, 1), date(2026, 5, 1)),
        (date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_months_begin_on_their_first(day, first, following):
    assert (clock.month_start(day), clock.next_month(day)) == (first, following)


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        (date(2026, 11, 22), 0, date(2026, 11, 1)),
        (date(2026, 11, 22), 1, date(2026, 10, 1)),
        (date(2026, 11, 30), 9, date(2026, 2, 1)),
        (date(2026, 11, 22), 10, date(2026, 1, 1)),
        (date(2026, 11, 22), 11, date(2025, 12, 1)),
        (date(2026, 11, 22), 13, date(2025, 10, 1)),
        (date(2026, 1, 1), 1, date(2025, 12, 1)),
        (date(2026, 12, 31), 12, date(2025, 12, 1)),
        (date(2028, 2, 29), 48, date(2024, 2, 1)),
    ],
)
def test_months_before_a_day_are_counted_whole(day, months, first):
    assert clock.months_before(day, months) == first


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 11, 22, 3, 4, 5, 999999, tzinfo=UTC), "2026-11-22 12:04:05"),
        (datetime(2026, 12, 31, 15, 0, tzinfo=UTC), "2027-01-01 00:00:00"),
        (None, ""),
    ],
)
def test_screens_show_times_in_tokyo(moment, shown):
    assert clock.screen_time(moment) == shown
