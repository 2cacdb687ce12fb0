from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import alert_line
from models.alert_line import COLUMNS, BadLine

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
OLDEST = datetime(2025, 10, 1, tzinfo=UTC)
NEWEST = NOW + timedelta(days=1)
GOOD = {"alert_id": "1795381400-140", "time": "2026-11-22T02:00:00Z", "type": "ips", "act": "pass"}


def parse(**values):
    line = {key: value for key, value in (GOOD | values).items() if value is not ...}
    row = alert_line.parse(json.dumps(line).encode(), oldest=OLDEST, newest=NEWEST)
    return dict(zip(COLUMNS, row, strict=True))


def test_a_line_with_what_is_required_is_an_alert():
    row = parse()

    assert (row["alert_id"], row["function"], row["action"], row["level"], row["sender_level"]) == (
        "1795381400-140",
        "ips",
        "pass",
        "low",
        None,
    )
    assert row["occurred_at"] == datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("key", ["alert_id", "time", "type", "act"])
@pytest.mark.parametrize("value", [..., None, ""])
def test_what_is_required_is_missed(key, value):
    with pytest.raises(BadLine, match=f"{key}: missing"):
        parse(**{key: value})


@pytest.mark.parametrize(
    ("sent", "level", "kept"),
    [("high", "high", "high"), ("HIGH", "high", "high"), ("low", "low", "low"), ("", "low", None)],
)
def test_what_the_sender_calls_high_is_high(sent, level, kept):
    row = parse(alert_severity=sent)

    assert (row["level"], row["sender_level"]) == (level, kept)


@pytest.mark.parametrize(
    ("sent", "hour"),
    [
        ("2026-11-22T02:00:00Z", 2),
        ("2026-11-22T11:00:00+09:00", 2),
        ("2026-11-22T11:00:00+0900", 2),
        ("2026-11-22T02:00:00.123456", 2),
        ("2026-11-21T19:00:00-0700", 2),
    ],
)
def test_a_time_without_a_zone_is_utc(sent, hour):
    assert parse(time=sent)["occurred_at"].astimezone(UTC).hour == hour


@pytest.mark.parametrize(
    "sent", ["yesterday", "2026-13-01T00:00:00Z", 1795381400, True, [], "0001-01-01T00:00:00+23:59"]
)
def test_a_time_that_is_none_is_refused(sent):
    with pytest.raises(BadLine, match="time: "):
        parse(time=sent)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (OLDEST, None),
        (OLDEST - timedelta(microseconds=1), "time: older than the retention time"),
        (NEWEST, None),
        (NEWEST + timedelta(microseconds=1), "time: more than a day ahead of the server"),
    ],
)
def test_times_are_kept_up_to_their_edges(moment, reason):
    if reason is None:
        assert parse(time=moment.isoformat())["occurred_at"] == moment
        return
    with pytest.raises(BadLine, match=reason):
        parse(time=moment.isoformat())


LIMITS = {
    "alert_id": 64,
    "act": 32,
    "src-mac": 64,
    "dst-mac": 64,
    "xff": 255,
    "iif": 255,
    "proto": 255,
    "L7_proto": 255,
    "virus": 512,
    "vid": 255,
    "file": 512,
    "severity": 255,
    "subject": 512,
    "date": 255,
    "msg": 512,
    "sid": 255,
    "url": 2048,
    "cid": 255,
    "gid": 255,
    "app": 512,
    "aid": 255,
    "bid": 255,
    "ctype": 255,
    "cname": 512,
    "atype": 255,
}


@pytest.mark.parametrize(("key", "most"), LIMITS.items())
def test_a_text_at_its_limit_is_taken_and_one_past_it_is_not(key, most):
    parse(**{key: "あ" * most})

    with pytest.raises(BadLine, match=f"{key}: longer than {most} characters"):
        parse(**{key: "あ" * (most + 1)})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "firewall"),
        ("type", ["ips"]),
        ("alert_severity", "urgent"),
        ("alert_severity", 1),
        ("src-ip", "300.1.1.1"),
        ("dst-ip", "example.com"),
        ("src-port", -1),
        ("src-port", 65536),
        ("src-port", 1.5),
        ("dst-port", "https"),
        ("dst-port", True),
        ("msg", {"a": 1}),
        ("msg", ["a"]),
        ("msg", True),
        ("msg", "a\0b"),
        ("msg", "\ud800"),
        ("url", "\0"),
    ],
)
def test_a_value_that_fits_nothing_is_refused_by_its_name(key, value):
    with pytest.raises(BadLine, match=f"{key}: "):
        parse(**{key: value})


@pytest.mark.parametrize(
    ("key", "value", "column", "stored"),
    [
        ("src-port", 0, "src_port", 0),
        ("src-port", "65535", "src_port", 65535),
        ("src-port", 443.0, "src_port", 443),
        ("src-ip", "2001:DB8::1", "src_ip", "2001:db8::1"),
        ("src-ip", "fe80::1%eth0", "src_ip", "fe80::1"),
        ("sid", 2001219, "sid", "2001219"),
        ("msg", "", "msg", None),
    ],
)
def test_values_are_stored_in_one_form(key, value, column, stored):
    assert parse(**{key: value})[column] == stored


def test_unknown_keys_are_kept():
    assert json.loads(parse(flow_id=1, community_id="1:a")["extra"]) == {"flow_id": 1, "community_id": "1:a"}


def test_the_six_characters_of_an_escape_are_no_nul():
    assert json.loads(parse(note="\\u0000")["extra"]) == {"note": "\\u0000"}


@pytest.mark.parametrize("value", ["\0", {"deep": ["\0"]}, "\ud800", "x" * 9000])
def test_unknown_keys_that_cannot_be_stored_are_refused(value):
    with pytest.raises(BadLine, match="unknown keys"):
        parse(note=value)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xfe", "not UTF-8"),
        ("日本語".encode("shift_jis"), "not UTF-8"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"time": NaN}', "not JSON"),
        (b'{"a": Infinity}', "not JSON"),
        (b"[" * 50_000, "nested too deeply"),
        (b"1" * 5_000, "not JSON"),
        (b" " * (64 * 1024 + 1), "longer than 65536 bytes"),
    ],
    ids=range(10),
)
def test_a_line_that_is_no_object_is_refused(raw, reason):
    with pytest.raises(BadLine, match=reason):
        alert_line.parse(raw, oldest=OLDEST, newest=NEWEST)


def parses_or_is_refused(raw):
    """Whether a line is an alert; anything but a refusal with a reason goes through and fails the test."""
    try:
        alert_line.parse(raw, oldest=OLDEST, newest=NEWEST)
    except BadLine:
        return False
    return True


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(raw):
    assert parses_or_is_refused(raw) in {True, False}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=3)
KEYS = st.sampled_from([*LIMITS, "time", "type", "alert_severity", "src-ip", "src-port", "x"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(KEYS, VALUES)
def test_no_value_raises_anything_else(key, value):
    assert parses_or_is_refused(json.dumps(GOOD | {key: value}).encode()) in {True, False}
