"""Finding the records in a line."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from app.shipper.adapters.eve_record import records_in
from app.shipper.log_reader import UnreadableRecordError

FIRST = {"timestamp": "2026-11-28T00:00:00Z", "event_type": "alert", "alert": {"signature": "表示 [{,"}, "n": 1}
SECOND = FIRST | {"n": 2, "http": {"url": '/{"timestamp":"2000-01-01","event_type":"alert"}'}, "files": [{"a": 1}]}
ONE, TWO = (json.dumps(record, ensure_ascii=False) for record in (FIRST, SECOND))
COMPACT = json.dumps(SECOND, separators=(",", ":"))


def read(line: str, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the records of a line, and the reasons of unreadable ones."""
    found = list(records_in(line, **options))
    records = [each for each in found if not isinstance(each, UnreadableRecordError)]
    return records, [str(each) for each in found if isinstance(each, UnreadableRecordError)]


@pytest.mark.parametrize(
    "line",
    [
        ONE,
        f"\ufeff {ONE}\r",
        f"\0\0\0{ONE}",
        f"<134>Nov 28 12:00:00 fw-1 suricata[4711]: {ONE}",
        f"Nov 28 12:00:00 fw-1 suricata: @cee: {ONE}",
        f'<134>1 2026-11-28T12:00:00Z fw-1 suricata 4711 - [timeQuality tzKnown="1" isSynced="1"] @cee:{ONE}',
        f"\udcff\x01{ONE}",
    ],
    ids=["plain", "mark", "NUL padding", "RFC 3164", "cee", "RFC 5424", "stray bytes"],
)
def test_what_precedes_a_record_is_passed_over(line: str) -> None:
    assert read(line) == ([FIRST], [])


@pytest.mark.parametrize(
    "line",
    [
        ONE + TWO,
        f"{ONE} {TWO}",
        f"{ONE},{TWO},",
        f"{ONE}\r{TWO}",
        f"{ONE}\0\0{TWO}\0",
        f"[{ONE},{TWO}]",
        f"<134>Nov 28 fw-1 suricata: {ONE}<134>Nov 28 fw-1 suricata: {TWO}",
    ],
    ids=["nothing", "a space", "commas", "CR", "NUL", "an array", "syslog headers"],
)
def test_several_records_on_a_line_are_all_read(line: str) -> None:
    assert read(line) == ([FIRST, SECOND], [])


def test_a_record_is_read_after_one_that_was_cut_off_anywhere() -> None:
    for cut in range(1, len(COMPACT)):
        records, problems = read(COMPACT[:cut] + ONE)
        assert (cut, records, len(problems)) == (cut, [FIRST], 1)


def test_a_record_is_read_after_one_whose_start_is_missing() -> None:
    for cut in range(1, len(COMPACT)):
        records, problems = read(COMPACT[cut:] + ONE)
        events = [record for record in records if "event_type" in record]
        assert (cut, events, len(problems)) == (cut, [FIRST], 1)


def test_several_that_were_cut_off_are_counted_each() -> None:
    records, problems = read(TWO[:40] + ONE + TWO[:60] + TWO[:80] + TWO)

    assert (records, len(problems)) == ([FIRST, SECOND], 3)


def test_a_record_that_does_not_start_with_its_time_is_found_by_the_first_key_of_the_line() -> None:
    one, two = (json.dumps(record, sort_keys=True) for record in (FIRST, SECOND))

    assert read(two[:100] + one) == ([FIRST], ["not JSON (Expecting ':' delimiter)"])


SORTED = [json.dumps(record, sort_keys=True, ensure_ascii=False) for record in (FIRST, SECOND)]


@pytest.mark.parametrize(
    "before",
    [
        '{"ale',
        '{"',
        '{"timestamp":"2026',
        '{"timestamp":"2026-11-28T00:00:00Z","http":{"url":"/a',
        '<134>1 2026-11-28T12:00:00Z fw-1 suricata 4711 - [meta json="{"k":"v","n":{"m":1}}"] ',
        '"files":[{"a":1}],"n":1}',
        SORTED[1][1:],
    ],
)
def test_records_with_keys_in_any_order_are_read_after_damage(before: str) -> None:
    records, problems = read(f"{before}{SORTED[0]}{SORTED[1]} {SORTED[0]}")

    assert ([each for each in records if "event_type" in each], len(problems)) == ([FIRST, SECOND, FIRST], 1)


def test_a_sorted_record_is_read_after_one_that_was_cut_off_anywhere() -> None:
    for whole in (SORTED[1], COMPACT, json.dumps(SECOND, sort_keys=True, separators=(",", ":"))):
        for cut in range(1, len(whole)):
            records, problems = read(whole[:cut] + SORTED[0] + SORTED[1])
            assert (cut, records, len(problems)) == (cut, [FIRST, SECOND], 1)


@pytest.mark.parametrize(
    "line",
    [
        '{"x" ' + '{"a":' * 400 + "[" + "1," * 400_000,
        '{"a":' * 200_000,
        '{"a":[{"b":"c"},' * 60_000,
        '{"a":"' * 100_000,
        '{"a":NaN,' * 100_000,
        '{"a":1' * 80_000,
        "{" + " " * 1_000_000,
    ],
)
def test_a_hostile_line_takes_a_limited_time(line: str) -> None:
    started = time.process_time()

    records, _ = read(line)

    assert records == []
    assert time.process_time() - started < 10


def test_parts_of_a_broken_record_are_no_records() -> None:
    line = '{"timestamp":"x","event_type":"alert","alert":{"action":"a"},"stats":{"timestamp":1},"b" 3}'

    assert read(line) == ([], ["not JSON (Expecting ':' delimiter)"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("garbage", "not JSON (Expecting value)"),
        ("17", "not a JSON object"),
        ("[1, 2]", "not a JSON object"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": ' + "1" * 5000 + "}", "a number with too many digits"),
        ('{"timestamp":' * 50_000, "nested too deeply"),
        ("[" * 50_000, "nested too deeply"),
        ("{", "not JSON (Expecting property name enclosed in double quotes)"),
        ('{"a": "' + "x" * 200 + '"}', "longer than 100 characters"),
    ],
)
def test_a_line_without_a_record_says_why(line: str, reason: str) -> None:
    assert read(line, max_record=100) == ([], [reason])


def test_text_behind_a_record_costs_only_itself() -> None:
    assert read(f"{ONE} garbage") == ([FIRST], ["text that is not a record"])


@pytest.mark.parametrize("line", ["", " \t\r", "\0\0\0", "\ufeff"])
def test_a_blank_line_is_nothing(line: str) -> None:
    assert read(line) == ([], [])


def test_strings_may_hold_control_characters_and_bytes_that_are_not_utf8() -> None:
    line = b'{"a":"\x01\x1b[31m\t\xff\xe6\x97"}'.decode("utf-8", "surrogateescape")

    assert read(line) == ([{"a": "\x01\x1b[31m\t\udcff\udce6\udc97"}], [])


def test_a_long_line_of_small_records_is_read() -> None:
    records, problems = read(ONE * 20_000)

    assert (len(records), problems) == (20_000, [])
