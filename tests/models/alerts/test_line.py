from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alerts import line as alert_line
from models.alerts.line import COLUMNS, BadLine

OLDEST = datetime(2025, 9, 30, 15, 0, tzinfo=UTC)
NEWEST = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
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


@pytest.mark.parametrize("key", ["alert_id", "act"])
@pytest.mark.parametrize("value", [" ", "\t\n", "　"])
def test_blanks_are_no_value_of_what_is_required(key, value):
    with pytest.raises(BadLine, match=f"^{key}: missing$"):
        parse(**{key: value})


@pytest.mark.parametrize("function", ["antivirus", "ips", "web_guard", "url_filter", "app_guard"])
def test_there_are_five_functions(function):
    assert parse(type=function)["function"] == function


@pytest.mark.parametrize(
    ("sent", "level", "kept"),
    [
        ("high", "high", "high"),
        ("HIGH", "high", "high"),
        ("High", "high", "high"),
        ("low", "low", "low"),
        ("", "low", None),
        (None, "low", None),
        (..., "low", None),
    ],
)
def test_what_the_sender_calls_high_is_high(sent, level, kept):
    row = parse(alert_severity=sent)

    assert (row["level"], row["sender_level"]) == (level, kept)


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


@pytest.mark.parametrize("key", LIMITS)
@pytest.mark.parametrize("value", [True, False, ["a"], {"a": 1}, [], {}], ids=repr)
def test_what_is_no_text_is_refused(key, value):
    with pytest.raises(BadLine, match=f"^{key}: not a string$"):
        parse(**{key: value})


@pytest.mark.parametrize("key", LIMITS)
@pytest.mark.parametrize(
    ("value", "reason"),
    [("a\0b", "contains a NUL character"), ("a\ud800", "contains a lone surrogate")],
    ids=["NUL", "surrogate"],
)
def test_a_text_the_database_cannot_hold_is_refused(key, value, reason):
    with pytest.raises(BadLine, match=f"^{key}: {reason}$"):
        parse(**{key: value})


@pytest.mark.parametrize("value", ["firewall", "IPS", " ips", ["ips"], {"ips": 1}, 1, True])
def test_a_function_that_is_none_is_refused(value):
    with pytest.raises(BadLine, match=r"^type: not one of antivirus, ips, web_guard, url_filter, app_guard$"):
        parse(type=value)


@pytest.mark.parametrize("value", ["urgent", "medium", 1, True, ["high"], {"high": 1}])
def test_a_level_that_is_none_is_refused(value):
    with pytest.raises(BadLine, match=r"^alert_severity: not one of high, low$"):
        parse(alert_severity=value)


@pytest.mark.parametrize("key", ["src-port", "dst-port"])
@pytest.mark.parametrize(
    ("sent", "stored"), [(0, 0), (65535, 65535), ("443", 443), (443.0, 443), (None, None), ("", None)]
)
def test_a_port_is_a_number(key, sent, stored):
    assert parse(**{key: sent})[key.replace("-", "_")] == stored


@pytest.mark.parametrize("key", ["src-port", "dst-port"])
@pytest.mark.parametrize("value", [-1, 65536, 10**4000, 1.5, 1e300, "https", "-1", True, False, [443], {}])
def test_a_port_that_is_none_is_refused(key, value):
    with pytest.raises(BadLine, match=f"^{key}: not a port number$"):
        parse(**{key: value})


@pytest.mark.parametrize("key", ["src-ip", "dst-ip"])
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("192.168.10.24", "192.168.10.24"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        (None, None),
        ("", None),
    ],
)
def test_an_address_is_stored_in_one_form(key, sent, stored):
    assert parse(**{key: sent})[key.replace("-", "_")] == stored


@pytest.mark.parametrize("key", ["src-ip", "dst-ip"])
@pytest.mark.parametrize(
    "value",
    ["300.1.1.1", "192.168.10", "192.168.10.024", "10.0.0.0/8", "example.com", " ", "\0", 1, True, [], "1" * 65],
)
def test_an_address_that_is_none_is_refused(key, value):
    with pytest.raises(BadLine, match=f"^{key}: "):
        parse(**{key: value})


@pytest.mark.parametrize(
    ("sent", "stored"), [(2001219, "2001219"), (0, "0"), (1.5, "1.5"), ("", None), (None, None), (" ", " ")]
)
def test_a_number_may_stand_for_a_text(sent, stored):
    assert parse(sid=sent)["sid"] == stored


def test_a_long_whole_number_keeps_its_digits():
    row = parse(sid=123456789012345678901, later={"n": 123456789012345678901})

    assert (row["sid"], row["extra"]) == ("123456789012345678901", '{"later":{"n":123456789012345678901}}')


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


@given(KEYS, VALUES)
def test_no_value_raises_anything_else(key, value):
    assert parses_or_is_refused(json.dumps(GOOD | {key: value}).encode()) in {True, False}


@pytest.mark.parametrize(
    ("sent", "stored"), [("Pass", "pass"), ("BLOCK", "block"), ("Reset-Both", "Reset-Both"), (" block", " block")]
)
def test_pass_and_block_are_stored_in_one_spelling(sent, stored):
    assert parse(act=sent)["action"] == stored
