"""The lines of a log while it grows, is rotated, emptied, missing or cut anywhere."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.shipper.packed import NotReadError
from app.shipper.position import Position
from app.shipper.source import Line
from app.shipper.tail import Tail

pytestmark = pytest.mark.filterwarnings("error::ResourceWarning")


class Reading:
    """A tail of a log, and what it said."""

    def __init__(self, path: Path, position: Position | None = None) -> None:
        self.said: list[str] = []
        self.tail = Tail(path, position, self.said.append)
        self.last: Line | None = None

    def lines(self) -> list[str | None]:
        found = list(self.tail.lines())
        self.last = found[-1] if found else self.last
        return [None if line.data is None else line.data.decode() for line in found]

    def position(self) -> Position:
        """Where the last line ends, as a run that is ended there remembers it."""
        assert self.last is not None
        self.tail.close()
        return self.last.source.position(self.last.end)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "eve.json").write_text("one\ntwo\n")
    return tmp_path / "eve.json"


@pytest.fixture
def reading(log: Path) -> Iterator[Reading]:
    reading = Reading(log)
    yield reading
    reading.tail.close()


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def rotate(path: Path, name: str = "eve.json.1", *, age: int = 10) -> Path:
    """Rename the log away; ``age`` is for how many seconds nothing was written to it."""
    old = path.rename(path.with_name(name))
    when = old.stat().st_mtime_ns - age * 1_000_000_000
    os.utime(old, ns=(when, when))
    return old


def test_what_is_there_comes_first_and_then_what_is_added(log: Path, reading: Reading) -> None:
    assert reading.lines() == ["one", "two"]
    assert reading.lines() == []
    add(log, "three\n")
    assert reading.lines() == ["three"]
    assert [(reading.last.start, reading.last.end) if reading.last else None] == [(8, 14)]


def test_half_a_line_waits_for_the_rest(log: Path, reading: Reading) -> None:
    reading.lines()
    add(log, "thr")
    assert reading.lines() == []
    add(log, "ee\nfo")
    assert reading.lines() == ["three"]
    add(log, "ur\n")
    assert reading.lines() == ["four"]


def test_a_renamed_log_is_read_to_its_end(log: Path, reading: Reading) -> None:
    reading.lines()
    old = rotate(log)
    log.touch()
    add(old, "three\n")
    assert reading.lines() == ["three"], "until the writer opens the new file it writes to the old one"
    add(old, "four\n")
    add(log, "five\n")
    assert reading.lines() == ["four", "five"]
    assert reading.said == []


def test_a_last_line_without_an_end_is_given_out_when_the_log_is_renamed(log: Path, reading: Reading) -> None:
    add(log, "thr")
    assert reading.lines() == ["one", "two"]
    rotate(log)
    add(log, "four\n")

    assert reading.lines() == ["thr", "four"]


def test_a_log_that_is_missing_is_waited_for(log: Path, reading: Reading) -> None:
    reading.lines()
    old = rotate(log)
    add(old, "three\n")
    assert (reading.lines(), reading.lines()) == (["three"], [])
    add(log, "four\n")
    assert reading.lines() == ["four"]
    assert reading.said == [f"{log} is not there; waiting for it."]


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    reading = Reading(tmp_path / "eve.json")
    assert (reading.lines(), reading.lines()) == ([], [])
    add(tmp_path / "eve.json", "one\n")
    assert reading.lines() == ["one"]
    assert reading.said == [f"{tmp_path}/eve.json is not there; waiting for it."]
    reading.tail.close()


def test_an_emptied_log_is_read_from_its_start(log: Path, reading: Reading) -> None:
    reading.lines()
    log.write_text("3\n")

    assert reading.lines() == []
    assert reading.lines() == ["3"]
    assert reading.said == [f"{log} was emptied: following it from its start."]


def test_a_log_that_was_emptied_and_has_grown_longer_is_known_by_its_start(log: Path, reading: Reading) -> None:
    reading.lines()
    with log.open("r+") as file:
        file.truncate()
        file.write("three\nfour\nfive\n")

    assert reading.lines() + reading.lines() == ["three", "four", "five"]


def test_what_was_written_right_before_the_log_was_emptied_is_in_the_copy(log: Path, reading: Reading) -> None:
    """What logrotate's copytruncate does."""
    add(log, "thr")
    assert reading.lines() == ["one", "two"]
    add(log, "ee\nfour\n")
    log.with_name("eve.json.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    assert reading.lines() == ["three", "four"]
    add(log, "five\n")
    assert reading.lines() == ["five"]
    assert reading.said == []


def test_a_run_goes_on_where_the_last_one_ended(log: Path, reading: Reading) -> None:
    reading.lines()
    add(log, "three\n")
    again = Reading(log, reading.position())

    assert again.lines() == ["three"]
    assert again.tail.resumed
    again.tail.close()


@pytest.mark.parametrize("rotation", ["renamed", "copied"])
def test_a_run_finds_the_log_under_its_new_name(log: Path, reading: Reading, rotation: str) -> None:
    reading.lines()
    add(log, "three\n")
    if rotation == "copied":
        log.with_name("eve.json-20261124").write_bytes(log.read_bytes())
        log.write_text("")
    else:
        rotate(log)
    add(log, "four\n")
    again = Reading(log, reading.position())

    assert again.lines() == ["three", "four"]
    again.tail.close()


def test_a_log_that_was_rotated_more_than_once_is_read_in_its_order(log: Path, reading: Reading) -> None:
    reading.lines()
    add(log, "three\n")
    rotate(log, "eve.json.3", age=30)
    for name, text, age in [("eve.json.2", "four\n", 20), ("eve-20261124.json", "five\n", 10)]:
        add(log, text)
        rotate(log, name, age=age)
    add(log, "six\n")
    for name in ("eve.2.json", "eve.json.bak", "eve.jsonl", "events.json"):
        add(log.with_name(name), "another log's\n")
    again = Reading(log, reading.position())

    assert again.lines() == ["three", "four", "five", "six"]
    again.tail.close()


def test_a_log_that_is_gone_is_told(log: Path, reading: Reading) -> None:
    reading.lines()
    position = reading.position()
    log.write_text("another\n")
    again = Reading(log, position)

    assert again.lines() == ["another"]
    assert not again.tail.resumed
    assert "is not the file that was followed before" in again.said[0]
    again.tail.close()


def test_a_line_without_an_end_needs_no_memory(log: Path, reading: Reading) -> None:
    reading.lines()
    with log.open("ab") as file:
        for _ in range(32):
            file.write(b"x" * 1024 * 1024)
    tracemalloc.start()
    try:
        assert reading.lines() == [None], "it is told of once"
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert reading.position().offset == 8, "and a run that ends here begins before it"


def test_the_line_after_one_that_is_too_long_is_found(log: Path, reading: Reading) -> None:
    reading.lines()
    add(log, "x" * 5_000_000)
    assert reading.lines() == [None]
    add(log, "x" * 5_000_000 + "\nthree\nfo")
    assert reading.lines() == ["three"]
    assert reading.position().offset == 8 + 10_000_001 + 6


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (gzip.compress(b"{}\n"), "compressed with gzip"),
        (b"BZh91AY&SY", "compressed with bzip2"),
        (b"PK\x03\x04\0\0\0\0", "a ZIP archive"),
        ("[]\n".encode("utf-16"), "UTF-16 text"),
        (b'[{"a": 1}]\n', "a JSON array"),
        (b'\xef\xbb\xbf\n\n [{"a": 1}]\n', "a JSON array"),
        (b'{\n  "a": 1\n}\n', "JSON with records over several lines"),
    ],
    ids=["gzip", "bzip2", "zip", "utf-16", "array", "array after blanks", "pretty"],
)
def test_what_is_no_plain_log_is_refused(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "eve.json").write_bytes(data)
    reading = Reading(tmp_path / "eve.json")

    with pytest.raises(NotReadError, match=f"eve.json is {kind}: only a plain file with a record on each line"):
        reading.lines()
    reading.tail.close()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1), min_size=1),
    data=st.data(),
)
def test_it_does_not_matter_how_a_log_grows(tmp_path: Path, lines: list[str], data: st.DataObject) -> None:
    """Cut anywhere, also inside a character, between any reading and the next, with restarts and rotations in between."""
    whole = b"".join(line.encode() + b"\n" for line in lines)
    log = tmp_path / "eve.json"
    for path in tmp_path.iterdir():
        path.unlink()
    log.touch()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    reading, found, rotations, position = Reading(log), [], 0, None
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        with log.open("ab") as file:
            file.write(whole[begin:end])
        found += reading.lines()
        what = data.draw(st.sampled_from(["nothing", "restart", "rotate"]))
        if what == "restart":
            position = reading.position() if reading.last else position
            reading.tail.close()
            reading = Reading(log, position)
        elif what == "rotate" and whole[:end].endswith(b"\n") and log.stat().st_size:
            rotations += 1
            rotate(log, f"eve.json.{rotations}", age=1000 - rotations)
            log.touch()
    found += reading.lines()
    reading.tail.close()

    assert found == [line.encode().decode() for line in lines]
