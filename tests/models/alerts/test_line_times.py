"""When an alert line says it happened: the forms that are read, and how old or new it may be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alerts import line as alert_line
from models.alerts.line import COLUMNS, BadLine

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
OLDEST = datetime(2025, 9, 30, 15, 0, tzinfo=UTC)
NEWEST = NOW + timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def occurred_at(sent) -> datetime:
    line = {"alert_id": "1-1", "time": sent, "type": "ips", "act": "pass"}
    row = alert_line.parse(json.dumps(line).encode(), oldest=OLDEST, newest=NEWEST)
    return dict(zip(COLUMNS, row, strict=True))["occurred_at"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-11-22T02:00:00Z", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T02:00:00+00:00", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T11:00:00+09:00", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T11:00:00+0900", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T11:00:00+09", "2026-11-22T02:00:00+00:00"),
        ("2026-11-21T19:00:00-0700", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T00:30:00+09:00", "2026-11-21T15:30:00+00:00"),
        ("2026-11-22T02:00:00.123456Z", "2026-11-22T02:00:00.123456+00:00"),
        ("2026-11-22T02:00:00.5Z", "2026-11-22T02:00:00.500000+00:00"),
        ("2026-11-22T02:00Z", "2026-11-22T02:00:00+00:00"),
        ("20261122T020000Z", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22t02:00:00z", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T01:59:60Z", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T01:59:60.5z", "2026-11-22T02:00:00.500000+00:00"),
        ("2026-11-22T10:59:60+09:00", "2026-11-22T02:00:00+00:00"),
    ],
)
def test_a_time_is_stored_in_utc(sent, stored):
    assert occurred_at(sent).isoformat() == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-11-22T02:00:00", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22 02:00:00", "2026-11-22T02:00:00+00:00"),
        ("2026-11-22T02:00:00.123456", "2026-11-22T02:00:00.123456+00:00"),
        ("2026-11-22", "2026-11-22T00:00:00+00:00"),
    ],
)
def test_a_time_without_a_zone_is_utc(sent, stored):
    assert occurred_at(sent).isoformat() == stored


@pytest.mark.parametrize(
    "sent",
    [
        "yesterday",
        "1795381400",
        " ",
        "22/11/2026 02:00",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-11-22T02:00:61Z",
        "2026-11-22T02:60:60Z",
        "2026-11-22T02:00:00Z trailing",
        "2026-11-22T02:00:00+99:00",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "\x00",
        "\ud800",
        1795381400,
        1795381400.5,
        True,
        [],
        {},
    ],
)
def test_a_time_that_is_none_is_refused(sent):
    with pytest.raises(BadLine, match=r"^time: not an ISO 8601 string$"):
        occurred_at(sent)


def test_a_time_within_the_retention_time_and_a_day_ahead_is_taken():
    assert occurred_at(OLDEST.isoformat()) == OLDEST
    assert occurred_at(NEWEST.isoformat()) == NEWEST


@pytest.mark.parametrize("sent", [OLDEST - MOMENT, datetime(1970, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_a_time_before_the_retention_time_is_refused(sent):
    with pytest.raises(BadLine, match=r"^time: older than the retention period$"):
        occurred_at(sent.isoformat())


@pytest.mark.parametrize("sent", [NEWEST + MOMENT, datetime.max.replace(tzinfo=UTC)])
def test_a_time_more_than_a_day_ahead_is_refused(sent):
    with pytest.raises(BadLine, match=r"^time: more than a day ahead of the server$"):
        occurred_at(sent.isoformat())


@given(st.text(max_size=40) | st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat))
def test_every_time_is_taken_in_utc_or_refused(sent):
    try:
        taken = occurred_at(sent)
    except BadLine:
        return
    assert OLDEST <= taken <= NEWEST
    assert taken.tzinfo is UTC
