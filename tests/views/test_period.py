"""表示期間: what the arguments of the alert screens ask for, in whole days, months or minutes of Tokyo."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from views.period import Period, read_period, recent_days

TODAY = date(2026, 11, 22)
RECENT = ("day", date(2026, 10, 23), TODAY)
THIS_MONTH = ("month", date(2026, 11, 1), date(2026, 11, 30))
WHOLE_DAY = (time(0, 0), time(23, 59))


def read(**args) -> Period:
    return read_period(args, TODAY)


def days(period) -> tuple[str, date, date]:
    return period.mode, period.first, period.last


def test_the_recent_days_are_today_and_the_thirty_before_it():
    assert recent_days(TODAY) == (date(2026, 10, 23), TODAY)
    assert recent_days(date(2028, 3, 1)) == (date(2028, 1, 31), date(2028, 3, 1))


@pytest.mark.parametrize(
    ("args", "first", "last"),
    [
        ({"first": "2026-11-01", "last": "2026-11-22"}, date(2026, 11, 1), date(2026, 11, 22)),
        ({"first": "2026-11-22", "last": "2026-11-01"}, date(2026, 11, 1), date(2026, 11, 22)),
        ({"first": "2026-11-01"}, date(2026, 11, 1), TODAY),
        ({"first": "2026-11-01", "last": ""}, date(2026, 11, 1), TODAY),
        ({"first": "2026-11-01", "last": "20261-11-22"}, date(2026, 11, 1), TODAY),
        ({"first": "2027-01-01"}, date(2027, 1, 1), date(2027, 1, 1)),
        ({"last": "2026-11-01"}, date(2026, 10, 2), date(2026, 11, 1)),
        ({"first": "nonsense", "last": "2026-11-01"}, date(2026, 10, 2), date(2026, 11, 1)),
        ({"first": "2028-02-29", "last": "2028-02-29"}, date(2028, 2, 29), date(2028, 2, 29)),
        ({"first": "2026-12-31", "last": "2027-01-01"}, date(2026, 12, 31), date(2027, 1, 1)),
        ({"first": "2000-01-01", "last": "2100-12-31"}, date(2000, 1, 1), date(2100, 12, 31)),
    ],
)
def test_a_period_of_days_has_both_its_ends(args, first, last):
    assert days(read(unit="day", **args)) == ("day", first, last)


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"unit": "day"},
        {"unit": "week", "first": ""},
        {"first": "", "last": ""},
        {"first": "2026-02-29"},
        {"first": "2026-11-31"},
        {"first": "22.11.2026"},
        {"first": "2026-11-22T00:00"},
        {"first": "1999-12-31", "last": "2101-01-01"},
        {"first": "0001-01-01", "last": "9999-12-31"},
        {"first": "99999-01-01"},
        {"first": "'; DROP TABLE alert"},
    ],
)
def test_nonsense_asks_for_the_recent_days(args):
    assert days(read_period(args, TODAY)) == RECENT


@pytest.mark.parametrize(
    ("args", "first", "last"),
    [
        ({"first_month": "2026-11", "last_month": "2026-11"}, date(2026, 11, 1), date(2026, 11, 30)),
        ({"first_month": "2026-01", "last_month": "2026-12"}, date(2026, 1, 1), date(2026, 12, 31)),
        ({"first_month": "2026-12", "last_month": "2026-01"}, date(2026, 1, 1), date(2026, 12, 31)),
        ({"first_month": "2028-02"}, date(2028, 2, 1), date(2028, 2, 29)),
        ({"last_month": "2026-02"}, date(2026, 2, 1), date(2026, 2, 28)),
        ({"first_month": "nonsense", "last_month": "2026-04"}, date(2026, 4, 1), date(2026, 4, 30)),
        ({"first_month": "2100-12"}, date(2100, 12, 1), date(2100, 12, 31)),
    ],
)
def test_a_period_of_months_has_whole_months(args, first, last):
    assert days(read(unit="month", **args)) == ("month", first, last)


@pytest.mark.parametrize(
    "args",
    [{}, {"first_month": ""}, {"first_month": "2026-13"}, {"last_month": "2101-01"}, {"first_month": "2026-11-22"}],
)
def test_nonsense_in_a_period_of_months_asks_for_this_month(args):
    assert days(read(unit="month", **args)) == THIS_MONTH


@pytest.mark.parametrize(
    ("args", "day", "start", "end"),
    [
        ({"on": "2026-11-01", "from_time": "09:00", "to_time": "17:30"}, date(2026, 11, 1), time(9, 0), time(17, 30)),
        ({"on": "2026-11-01", "from_time": "22:00", "to_time": "06:00"}, date(2026, 11, 1), time(22, 0), time(23, 59)),
        ({"on": "2026-11-01", "from_time": "09:00", "to_time": "09:00"}, date(2026, 11, 1), time(9, 0), time(9, 0)),
        ({"on": "2026-11-01"}, date(2026, 11, 1), *WHOLE_DAY),
        ({"on": "2026-11-01", "from_time": "12:00"}, date(2026, 11, 1), time(12, 0), time(23, 59)),
        ({"on": "2026-11-01", "from_time": "24:00", "to_time": "12:60"}, date(2026, 11, 1), *WHOLE_DAY),
        ({"on": "2026-11-01", "from_time": "9 o'clock"}, date(2026, 11, 1), *WHOLE_DAY),
        ({"on": "2026-02-29"}, TODAY, *WHOLE_DAY),
        ({}, TODAY, *WHOLE_DAY),
    ],
)
def test_a_period_of_minutes_lies_within_one_day(args, day, start, end):
    period = read(unit="time", **args)

    assert (*days(period), period.start_time, period.end_time) == ("time", day, day, start, end)


@pytest.mark.parametrize(
    ("args", "start", "end"),
    [
        (
            {"first": "2026-11-01", "last": "2026-11-22"},
            datetime(2026, 10, 31, 15, 0, tzinfo=UTC),
            datetime(2026, 11, 22, 15, 0, tzinfo=UTC),
        ),
        (
            {"unit": "month", "first_month": "2028-02"},
            datetime(2028, 1, 31, 15, 0, tzinfo=UTC),
            datetime(2028, 2, 29, 15, 0, tzinfo=UTC),
        ),
        (
            {"unit": "time", "on": "2026-11-22", "from_time": "09:00", "to_time": "09:30"},
            datetime(2026, 11, 22, 0, 0, tzinfo=UTC),
            datetime(2026, 11, 22, 0, 31, tzinfo=UTC),
        ),
        (
            {"unit": "time", "on": "2026-11-22"},
            datetime(2026, 11, 21, 15, 0, tzinfo=UTC),
            datetime(2026, 11, 22, 15, 0, tzinfo=UTC),
        ),
    ],
)
def test_a_period_ends_with_the_last_moment_of_its_last_day_or_minute(args, start, end):
    period = read(**args)

    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize(
    ("args", "text", "file_part"),
    [
        ({"first": "2026-11-01", "last": "2026-11-22"}, "2026-11-01 – 2026-11-22", "20261101_20261122"),
        ({"unit": "month", "first_month": "2026-11"}, "2026-11", "20261101_20261130"),
        (
            {"unit": "month", "first_month": "2026-10", "last_month": "2026-11"},
            "2026-10 – 2026-11",
            "20261001_20261130",
        ),
        (
            {"unit": "time", "on": "2026-11-22", "from_time": "09:00", "to_time": "17:30"},
            "2026-11-22 09:00–17:30",
            "202611220900_202611221730",
        ),
    ],
)
def test_a_period_says_what_it_is(args, text, file_part):
    period = read(**args)

    assert (period.text, period.file_part) == (text, file_part)


def test_the_form_is_filled_for_every_mode():
    assert read(unit="month", first_month="2026-10", last_month="2026-11").fields._asdict() == {
        "unit": "month",
        "first": "2026-10-01",
        "last": "2026-11-30",
        "first_month": "2026-10",
        "last_month": "2026-11",
        "on": "2026-11-30",
        "from_time": "00:00",
        "to_time": "23:59",
        "errors": (),
    }


@pytest.mark.parametrize(
    ("args", "name"),
    [
        ({"first": "2026-02-30"}, "first"),
        ({"last": "20261-11-26"}, "last"),
        ({"unit": "month", "first_month": "9999-12"}, "first_month"),
        ({"unit": "month", "last_month": "2026-13"}, "last_month"),
        ({"unit": "time", "on": "2101-01-01"}, "on"),
        ({"unit": "time", "from_time": "24:00"}, "from_time"),
        ({"unit": "time", "from_time": "22:00", "to_time": "06:00"}, "to_time"),
    ],
)
def test_what_is_left_out_is_told_beside_its_field_and_stays_there(args, name):
    fields = read(**args).fields

    assert [field for field, _ in fields.errors] == [name]
    assert getattr(fields, name) == args[name]


@pytest.mark.parametrize("args", [{}, {"first": "", "last": ""}, {"unit": "time", "from_time": "", "to_time": "09:00"}])
def test_what_is_empty_is_no_mistake(args):
    assert read(**args).fields.errors == ()


NAMES = ("unit", "first", "last", "first_month", "last_month", "on", "from_time", "to_time")
SENT = st.text(max_size=12) | st.dates().map(str) | st.times().map(str) | st.sampled_from(["month", "time", "2026-11"])


@given(st.dictionaries(st.sampled_from(NAMES), SENT))
def test_whatever_is_asked_for_is_a_period_and_is_asked_for_again(args):
    period = read_period(args, TODAY)

    assert timedelta(0) < period.end - period.start
    assert read_period(period.arguments, TODAY) == replace(period, faults=())
