"""Conversion of FortiGate's syslog messages to alert lines."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.shipper import follow
from app.shipper.adapters.adapter import ConversionError
from app.shipper.adapters.fortigate import FORTIGATE
from app.shipper.converter import Converter
from app.shipper.log_reader import UnreadableRecordError
from tests.app.shipper.follow_helpers import Script, add, nothing, run

# Logs of others that may be read here but not copied.
REAL = Path(__file__).parents[4] / "shared" / "data"
REAL_FILES = [
    *sorted((REAL / "fortigate_tfg").glob("*.log*")),
    REAL / "sekoia" / "fortigate.log",
    REAL / "filebeat" / "fortinet_firewall_utm.log",
]
BASE = 'eventtime=1795305600 type="utm" subtype="ips" '
MESSAGE = f'date=2026-11-22 time=09:00:00 {BASE}srcip=192.168.10.20 action="dropped" attack="Invented"'


def line_of(text: str) -> dict[str, Any]:
    """Return the alert line of a message."""
    (record,) = FORTIGATE.records_in(text)
    assert not isinstance(record, UnreadableRecordError), record
    line = Converter(FORTIGATE).convert(record)
    assert line is not None
    return line


@pytest.mark.skipif(not REAL.is_dir(), reason="the logs of others are not on this machine")
def test_of_real_logs_each_alert_is_converted() -> None:
    """The counts are compared with those of expressions that know nothing of the parser."""
    functions = {
        "virus": "antivirus",
        "ips": "ips",
        "anomaly": "ips",
        "webfilter": "url_filter",
        "app-ctrl": "app_guard",
    }
    found: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    ids: set[str] = set()
    for path in REAL_FILES:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        for line in filter(None, text.split("\n")):
            kind = re.search(r'(?<=[ T])subtype="?([a-z-]+)', line)
            malicious = re.search(r'eventtype="?malicious-url\b', line)
            alert = re.search(r'(?<=[ ])(?:type="?|cat=)(?:utm|anomaly)\b', line)
            dated = re.search(r'eventtime="?\d|date=\d{4}-\d\d-\d\d', line)
            function = "web_guard" if malicious else functions.get(kind[1] if kind else "") if alert else None
            expected["no time" if function and not dated else function or "skipped"] += 1
        reader, converter = FORTIGATE.reader(path), Converter(FORTIGATE)
        for record in reader:
            try:
                converted = converter.convert(record)
            except ConversionError:
                found["no time"] += 1
                continue
            found[converted["type"] if converted else "skipped"] += 1
            if converted:
                ids.add(converted["alert_id"])
                assert len(json.dumps(converted)) < 4096
            assert not record.doubtful
        assert (reader.unreadable, reader.damage) == (0, None)

    assert found == expected
    assert found.total() == 5665
    assert len(ids) == found.total() - found["skipped"] - found["no time"], "every ID once"


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("eventtime=1795305600", datetime(2026, 11, 22, tzinfo=UTC)),
        ("eventtime=1795305600250", datetime(2026, 11, 22, 0, 0, 0, 250000, UTC)),
        ("eventtime=1795305600250001", datetime(2026, 11, 22, 0, 0, 0, 250001, UTC)),
        ('eventtime="1795305600250001999"', datetime(2026, 11, 22, 0, 0, 0, 250001, UTC)),
        ('date=2026-11-22 time=08:00:00 eventtime=1795305600 tz="-0500"', datetime(2026, 11, 22, tzinfo=UTC)),
        ('date=2026-11-22 time=09:00:00 tz="+0900"', datetime(2026, 11, 22, tzinfo=UTC)),
        ('date=2026-11-21 time=18:30:00 tz="-05:30"', datetime(2026, 11, 22, tzinfo=UTC)),
        ("date=2026-11-22 time=00:00:00 eventtime=0", datetime(2026, 11, 22, tzinfo=UTC)),
        ('date=2026-11-22 time=00:00:00 tz="Asia/Tokyo"', datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T01:00:00+01:00 fw date= time=", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T05:00:00+01:00 fw date=2026-11-22 time=09:00:00 tz=+0900", datetime(2026, 11, 22, tzinfo=UTC)),
        ("eventtime=99999999999999999999 date=2026-11-22 time=00:00:00", datetime(2026, 11, 22, tzinfo=UTC)),
        ("date=2026-02-30 time=00:00:00", None),
        ("date=2026-11-22 time=25:00:00", None),
        ("date=0001-01-01 time=00:00:00 tz=+0900", None),
        ("date= time=09:00:00", None),
        ("devname=fw", None),
    ],
)
def test_the_time_is_that_of_the_firewall_whatever_its_unit(time: str, expected: datetime | None) -> None:
    text = f"{time} type=utm subtype=virus"
    if expected:
        assert datetime.fromisoformat(line_of(text)["time"]) == expected
    else:
        with pytest.raises(ConversionError, match="no valid time"):
            line_of(text)


@pytest.mark.parametrize(
    "around",
    ["{}\r", "\ufeff{}", "<189>{}", "  {}\t", "\0{}\0", "<189>Nov 22 09:00:00 fw {}", "<13>1 - - - - - - \ufeff{}"],
)
def test_what_surrounds_a_message_changes_nothing(around: str) -> None:
    assert line_of(around.format(MESSAGE)) == line_of(MESSAGE)


def test_the_ids_are_fixed_and_identical_messages_are_two_alerts() -> None:
    """If they changed, the portal would store logs that are sent again a second time."""
    converter = Converter(FORTIGATE)
    ids = [converter.convert(record)["alert_id"] for record in [*FORTIGATE.records_in(MESSAGE)] * 2]  # type: ignore[index]

    assert ids == ["1795305600-163266219522340", "1795305600-44679995314370"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (r"a\" srcip=6.6.6.6 type=\"traffic", 'a" srcip=6.6.6.6 type="traffic'),
        ('O"Brien', 'O"Brien'),
        (r"DOMAIN\\user", r"DOMAIN\user"),
        (r"C:\dir", r"C:\dir"),
        ("type=traffic subtype=dns", "type=traffic subtype=dns"),
        ("a\x01\x1b[31mb\x00c\x85", "a[31mb\N{REPLACEMENT CHARACTER}c"),
        ("a\u2028b\x0bc", "a\u2028bc"),
        ("CEF:0|Fortinet|Fortigate|1|2|3|4|cat=utm:dns", "CEF:0|Fortinet|Fortigate|1|2|3|4|cat=utm:dns"),
        ("<189>date=2020-01-01 time=00:00:00 type=traffic", "<189>date=2020-01-01 time=00:00:00 type=traffic"),
        ("字" * 100_000, "字" * 80),
        ("\udcff", "\N{REPLACEMENT CHARACTER}"),
        ("", None),
    ],
    ids=[
        "escaped",
        "not escaped",
        "backslash",
        "single backslash",
        "pairs",
        "control characters",
        "line ends",
        "CEF",
        "another message",
        "long",
        "not UTF-8",
        "empty",
    ],
)
def test_a_hostile_user_name_stays_a_user_name(user: str, expected: str | None) -> None:
    line = line_of(f'{BASE}user="{user}" srcip=192.168.10.20 action="dropped"')

    assert line.get("fortigate_user") == expected
    assert (line["type"], line["src-ip"], line["act"]) == ("ips", "192.168.10.20", "block")
    assert len(json.dumps(line, ensure_ascii=False).encode()) < 8192


def test_of_a_text_that_was_not_escaped_neither_value_is_taken() -> None:
    line = line_of(f'{BASE}user="a" subtype="dns" srcip=6.6.6.6 x="" srcip=192.168.10.20 dstip=192.0.2.7')

    assert line.items() >= {"type": "ips", "dst-ip": "192.0.2.7", "fortigate_doubtful": "srcip"}.items()
    assert "src-ip" not in line


def test_an_alert_of_a_line_that_was_cut_off_is_kept() -> None:
    converted = [
        line_of(text)
        for text in (MESSAGE[:length] for length in range(len(MESSAGE) + 1))
        for record in FORTIGATE.records_in(text)
        if not isinstance(record, UnreadableRecordError) and FORTIGATE.is_alert(record)
    ]

    assert {line["type"] for line in converted} == {"ips"}
    assert len(converted) > len(MESSAGE) - MESSAGE.index(" srcip")


texts = st.text(st.one_of(st.characters(), st.sampled_from(' ="\\|\0\r\t\ufeff\udcff')), max_size=60)
pieces = st.sampled_from(
    [
        *MESSAGE.split(" "),
        "CEF:0|Fortinet|a|b|c|d|e|",
        "FTNTFGTeventtime=1",
        "cat=utm:ips",
        "cs1Label=Virus",
        "cs1=",
        "<189>",
    ]
)


@given(st.lists(pieces | texts, max_size=12).map(" ".join) | texts)
@example('date="' + '"' * 1000)
@example("date=" + '"\\' * 1000)
@example("0|Fortinet|" + "\\|" * 50)
def test_no_line_causes_an_exception(text: str) -> None:
    for record in FORTIGATE.records_in(text):
        if isinstance(record, UnreadableRecordError):
            continue
        try:
            line = Converter(FORTIGATE).convert(record)
        except ConversionError:
            continue
        assert line is None or json.dumps(line, ensure_ascii=False).encode()
        assert line is not None or FORTIGATE.kind(record)


def test_a_line_that_is_too_long_is_reported_and_the_next_one_read(tmp_path: Path) -> None:
    log = tmp_path / "fortigate.log"
    log.write_bytes(f'{BASE}user="{"x" * 3_000_000}"\n\n{MESSAGE}\r\n{MESSAGE}'.encode())
    reader = FORTIGATE.reader(log)

    assert [record.message for record in reader] == [MESSAGE, MESSAGE]
    assert reader.problems == ["line 1: longer than 1,048,576 characters"]
    assert (reader.records, reader.unreadable, reader.share) == (2, 1, 1.0)


def test_a_followed_log_gives_the_same_alerts_through_rotations_and_restarts(
    portal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)
    log = tmp_path / "fortigate.log"
    header = b"<189>Nov 22 09:00:00 fw-1 "
    messages = [f'{BASE}sessionid={number} user="{{\\"timestamp\\":"'.encode() for number in range(40)]
    lines = [header + message + (b"\r\n" if number % 2 else b"\n") for number, message in enumerate(messages)]
    parts = [b"".join(lines[first : first + 8]) for first in range(0, 40, 8)]
    half = len(parts[1]) // 2

    def copy_and_truncate() -> None:
        log.with_name("fortigate.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
        os.truncate(log, 0)

    run(
        portal,
        log,
        lambda: add(log, parts[0] + parts[1][:half]),
        nothing,
        lambda: add(log, parts[1][half:]),
        nothing,
        lambda: log.rename(tmp_path / "fortigate.log.2"),
        lambda: add(log, parts[2]),
        nothing,
        adapter=FORTIGATE,
    )
    add(log, parts[3])
    copy_and_truncate()
    add(log, parts[4])
    shipped, _ = run(portal, log, *[nothing] * 4, adapter=FORTIGATE)

    converter = Converter(FORTIGATE)
    assert list(portal.stored.values()) == [
        converter.convert(record) for line in lines for record in FORTIGATE.records_in(line.decode())
    ]
    assert (shipped.alerts, shipped.sent.duplicate, shipped.unreadable) == (16, 0, 0)
    assert list(portal.threat_stats.items()) == [(("a1b2c3d4e5f6", "2026-11-22T00:00:00+00:00", "ips", "unknown"), 40)]
