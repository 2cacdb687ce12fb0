"""Reading the lines of a growing log."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.shipper.decompression import UnsupportedFileError
from tests.app.shipper.tail_helpers import TailReader, add, rotate

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


def test_existing_lines_are_read_first_and_then_added_ones(log: Path, reading: TailReader) -> None:
    assert reading.lines() == ["one", "two"]
    assert reading.lines() == []
    add(log, "three\n")
    assert reading.lines() == ["three"]
    assert [(reading.last.start, reading.last.end) if reading.last else None] == [(8, 14)]


def test_an_incomplete_line_is_returned_when_it_is_complete(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, "thr")
    assert reading.lines() == []
    add(log, "ee\nfo")
    assert reading.lines() == ["three"]
    add(log, "ur\n")
    assert reading.lines() == ["four"]


def test_a_line_without_an_end_needs_no_memory(log: Path, reading: TailReader) -> None:
    reading.lines()
    with log.open("ab") as file:
        for _ in range(32):
            file.write(b"x" * 1024 * 1024)
    tracemalloc.start()
    try:
        assert reading.lines() == [None], "it is reported once"
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert reading.position().offset == 8, "and a run that ends here begins before it"


def test_the_line_after_one_that_is_too_long_is_found(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, "x" * 5_000_000)
    assert reading.lines() == [None]
    add(log, "x" * 5_000_000 + "\nthree\nfo")
    assert reading.lines() == ["three"]
    assert reading.position().offset == 8 + 10_000_001 + 6


PART = '{"timestamp": "2026-11-28", "n": 1}'


def test_nul_bytes_are_left_out_and_counted(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, "\0" * 200_000 + "three\n\0\0\n" + "fo\0\0ur" + "\0" * 200_000 + "\nfive\n\0\0")
    assert reading.lines() == ["three", "", "four", "five"]
    position = reading.position()
    assert position.offset == log.stat().st_size - 2
    add(log, "\0six\n")
    again = TailReader(log, position)
    assert again.lines() == ["six"]
    assert [(again.last.start, again.last.end) if again.last else None] == [(position.offset + 3, log.stat().st_size)]
    again.tail.close()


def test_padding_needs_no_memory_and_the_record_behind_it_is_read(log: Path, reading: TailReader) -> None:
    """As in a truncated file whose writer continues at its old offset."""
    reading.lines()
    os.truncate(log, 64 * 1024 * 1024)
    add(log, "three\n")
    tracemalloc.start()
    try:
        assert reading.lines() == ["three"]
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


def test_a_long_line_is_given_out_in_parts_that_start_with_a_record(log: Path, reading: TailReader) -> None:
    reading.lines()
    add(log, PART * 300_000)
    parts = reading.lines()
    place = reading.position().offset

    assert {part[:14] for part in parts if part} == {'{"timestamp": '}
    assert sum(len(part) for part in parts if part) == place - 8
    add(log, PART + "\n")
    again = TailReader(log, reading.position())
    assert "".join(filter(None, parts + again.lines())) == PART * 300_001
    again.tail.close()


@pytest.mark.parametrize("split", [1, 7, 13, 14, 600, 5_000])
def test_a_record_behind_one_that_is_too_long_is_found(log: Path, reading: TailReader, split: int) -> None:
    reading.lines()
    text = '{"timestamp": "' + "x" * 10_000_000 + PART + "\n"
    add(log, text[:-split])
    found = reading.lines()
    add(log, text[-split:] + "four\n")
    found += reading.lines()

    assert found == [None, PART, "four"]
    assert reading.position().offset == log.stat().st_size


@pytest.mark.parametrize("start", ["[4711] three\n", "{\n", "{\n{\n", "\0{\n \n{}\n"])
def test_a_first_line_that_only_looks_like_another_kind_is_followed(tmp_path: Path, start: str) -> None:
    (tmp_path / "eve.json").write_text(start)
    reading = TailReader(tmp_path / "eve.json")

    assert reading.lines() == start.replace("\0", "").splitlines()
    reading.tail.close()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (gzip.compress(b"{}\n"), "compressed with gzip"),
        (b"BZh91AY&SY", "compressed with bzip2"),
        (b"PK\x03\x04\0\0\0\0", "a ZIP archive"),
        ("[]\n".encode("utf-16"), "UTF-16 text"),
        ('{"a": 1}\n'.encode("utf-16-le"), "UTF-16 text"),
        (b'[{"a": 1}]\n', "a JSON array"),
        (b'\xef\xbb\xbf\n\n [{"a": 1}]\n', "a JSON array"),
        (b'{\n  "a": 1\n}\n', "JSON with records over several lines"),
    ],
    ids=["gzip", "bzip2", "zip", "utf-16", "utf-16 without a mark", "array", "array after blanks", "pretty"],
)
def test_an_unsupported_format_is_refused(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "eve.json").write_bytes(data)
    reading = TailReader(tmp_path / "eve.json")

    with pytest.raises(UnsupportedFileError, match=f"eve.json is {kind}: only a plain file with a record on each line"):
        reading.lines()
    reading.tail.close()


@pytest.mark.parametrize("kind", ["pipe", "pipe that is written to", "device"])
def test_a_file_that_is_not_regular_is_refused_without_blocking(tmp_path: Path, kind: str) -> None:
    log, writer = tmp_path / "eve.json", None
    if kind == "device":
        log.symlink_to("/dev/null")
    else:
        os.mkfifo(log)
        writer = os.open(log, os.O_RDWR) if kind == "pipe that is written to" else None
    reading = TailReader(log)

    with pytest.raises(
        UnsupportedFileError, match=r"eve\.json is a pipe, a device or the like: only a regular file can be"
    ):
        reading.lines()
    reading.tail.close()
    if writer is not None:
        os.close(writer)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1), min_size=1),
    data=st.data(),
)
def test_any_growth_of_a_log_gives_the_same_lines(tmp_path: Path, lines: list[str], data: st.DataObject) -> None:
    """The log grows at arbitrary offsets, with restarts and rotations in between."""
    lines = [f"line {line}" for line in lines]  # one that begins with a bracket would be an array
    whole = b"".join(line.encode() + b"\n" for line in lines)
    log = tmp_path / "eve.json"
    for path in tmp_path.iterdir():
        path.unlink()
    log.touch()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    reading, found, rotations, position = TailReader(log), [], 0, None
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        with log.open("ab") as file:
            file.write(whole[begin:end])
        found += reading.lines()
        what = data.draw(st.sampled_from(["nothing", "restart", "rotate"]))
        if what == "restart":
            position = reading.position() if reading.last else position
            reading.tail.close()
            reading = TailReader(log, position)
        elif what == "rotate" and whole[:end].endswith(b"\n") and log.stat().st_size:
            rotations += 1
            rotate(log, f"eve.json.{rotations}", age=1000 - rotations)
            log.touch()
    found += reading.lines()
    reading.tail.close()

    assert found == [line.replace("\0", "") for line in lines]
