"""A log that is renamed, truncated or missing, during a run and between runs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.app.shipper.tail_helpers import TailReader, add, compress, rotate

pytestmark = pytest.mark.filterwarnings("error::ResourceWarning")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "eve.json").write_text("one\ntwo\n")
    return tmp_path / "eve.json"


@pytest.fixture
def reading(log: Path) -> Iterator[TailReader]:
    reading = TailReader(log)
    yield reading
    reading.tail.close()


def test_a_renamed_log_is_read_to_its_end(log: Path, reading: TailReader) -> None:
    reading.lines()
    old = rotate(log)
    log.touch()
    add(old, "three\n")
    assert reading.lines() == ["three"], "until the writer opens the new file it writes to the old one"
    add(old, "four\n")
    add(log, "five\n")
    assert reading.lines() == ["four", "five"]
    assert reading.messages == []


def test_a_last_line_without_an_end_is_given_out_when_the_log_is_renamed(log: Path, reading: TailReader) -> None:
    add(log, "thr")
    assert reading.lines() == ["one", "two"]
    rotate(log)
    add(log, "four\n")

    assert reading.lines() == ["thr", "four"]


def test_a_log_that_is_missing_is_waited_for(log: Path, reading: TailReader) -> None:
    reading.lines()
    old = rotate(log)
    add(old, "three\n")
    assert (reading.lines(), reading.lines()) == (["three"], [])
    add(log, "four\n")
    assert reading.lines() == ["four"]
    assert reading.messages == [f"{log} does not exist yet; waiting for it."]


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    reading = TailReader(tmp_path / "eve.json")
    assert (reading.lines(), reading.lines()) == ([], [])
    add(tmp_path / "eve.json", "one\n")
    assert reading.lines() == ["one"]
    assert reading.messages == [f"{tmp_path}/eve.json does not exist yet; waiting for it."]
    reading.tail.close()


def test_an_truncated_log_is_read_from_its_start(log: Path, reading: TailReader) -> None:
    reading.lines()
    log.write_text("3\n")

    assert reading.lines() == []
    assert reading.lines() == ["3"]
    assert reading.messages == [f"{log} was truncated: following it from its start."]


def test_a_log_that_was_truncated_and_has_grown_longer_is_known_by_its_start(log: Path, reading: TailReader) -> None:
    reading.lines()
    with log.open("r+") as file:
        file.truncate()
        file.write("three\nfour\nfive\n")

    assert reading.lines() + reading.lines() == ["three", "four", "five"]


def test_what_was_written_right_before_the_log_was_truncated_is_in_the_copy(log: Path, reading: TailReader) -> None:
    """As logrotate does with copytruncate."""
    add(log, "thr")
    assert reading.lines() == ["one", "two"]
    add(log, "ee\nfour\n")
    log.with_name("eve.json.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    assert reading.lines() == ["three", "four"]
    add(log, "five\n")
    assert reading.lines() == ["five"]
    assert reading.messages == []


def test_a_run_goes_on_where_the_last_one_ended(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, "three\n")
    again = TailReader(log, reading.position())

    assert again.lines() == ["three"]
    assert again.tail.resumed
    again.tail.close()


@pytest.mark.parametrize("rotation", ["renamed", "copied"])
def test_a_run_finds_the_log_under_its_new_name(log: Path, reading: TailReader, rotation: str) -> None:
    reading.lines()
    add(log, "three\n")
    if rotation == "copied":
        log.with_name("eve.json-20261124").write_bytes(log.read_bytes())
        log.write_text("")
    else:
        rotate(log)
    add(log, "four\n")
    again = TailReader(log, reading.position())

    assert again.lines() == ["three", "four"]
    again.tail.close()


def test_a_log_that_was_rotated_more_than_once_is_read_in_its_order(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, "three\n")
    rotate(log, "eve.json.3", age=30)
    for name, text, age in [("eve.json.2", "four\n", 20), ("eve-20261124.json", "five\n", 10)]:
        add(log, text)
        rotate(log, name, age=age)
    add(log, "six\n")
    for name in ("eve.2.json", "eve.json.bak", "eve.jsonl", "events.json"):
        add(log.with_name(name), "another log's\n")
    again = TailReader(log, reading.position())

    assert again.lines() == ["three", "four", "five", "six"]
    again.tail.close()


@pytest.mark.parametrize(
    ("pack", "suffix"),
    [(gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz")],
    ids=["gz", "bz2", "xz"],
)
def test_a_log_that_was_compressed_when_it_was_rotated_is_followed_on(
    log: Path, reading: TailReader, pack: Callable[[bytes], bytes], suffix: str
) -> None:
    reading.lines()
    add(log, "three\n")
    compress(rotate(log, "eve.json.2", age=20), pack, suffix)
    add(log, "four\n")
    compress(rotate(log, "eve.json.1", age=10), pack, suffix)
    add(log, "five\n")
    again = TailReader(log, reading.position())

    assert again.lines() == ["three", "four", "five"]
    assert again.messages == []
    position = again.position()
    add(log, "six\n")
    last = TailReader(log, position)
    assert last.lines() == ["six"]
    last.tail.close()


def test_a_place_in_a_compressed_log_is_found_again(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, "three\nfour\n")
    compress(rotate(log), gzip.compress)
    add(log, "five\n")
    first = TailReader(log, reading.position())
    three = next(first.tail.lines())
    position = three.source.position(three.end)
    first.tail.close()
    again = TailReader(log, position)

    assert again.lines() == ["four", "five"]
    again.tail.close()


def test_what_was_written_right_before_the_log_was_truncated_is_in_the_compressed_copy(
    log: Path, reading: TailReader
) -> None:
    reading.lines()
    add(log, "three\nfour\n")
    copy = log.with_name("eve.json.1")
    copy.write_bytes(log.read_bytes())
    os.truncate(log, 0)
    compress(copy, gzip.compress)

    assert reading.lines() == ["three", "four"]
    add(log, "five\n")
    assert reading.lines() == ["five"]
    assert reading.messages == []


def test_a_file_that_is_being_compressed_is_not_read_twice(log: Path, reading: TailReader) -> None:
    reading.lines()
    old = rotate(log)
    for part in (b"\x1f\x8b\x08", gzip.compress(old.read_bytes())):
        old.with_name("eve.json.1.gz").write_bytes(part)
        assert reading.lines() == []
    add(log, "three\n")

    assert reading.lines() == ["three"]


def test_a_damaged_compressed_log_is_read_as_far_as_it_goes_and_told(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, "".join(f"{number * 7919 % 10_007}\n" for number in range(10_000)))
    compressed = compress(rotate(log), lambda data: gzip.compress(data)[:-2_000])
    add(log, "last\n")
    again = TailReader(log, reading.position())

    found = again.lines()
    assert (found[0], found[-1]) == ("0", "last")
    assert 5_000 < len(found) < 10_000
    assert again.messages == [f"{compressed} is damaged; it was read up to the damage."]
    again.tail.close()


def test_a_log_that_is_gone_is_reported(log: Path, reading: TailReader) -> None:
    reading.lines()
    position = reading.position()
    log.write_text("another\n")
    again = TailReader(log, position)

    assert again.lines() == ["another"]
    assert not again.tail.resumed
    assert "is not the file that was followed before" in again.messages[0]
    again.tail.close()


def test_a_strange_first_line_of_the_next_file_ends_nothing(log: Path, reading: TailReader) -> None:
    reading.lines()
    rotate(log)
    add(log, "[garbage\nthree\n")

    assert reading.lines() == ["[garbage", "three"]
