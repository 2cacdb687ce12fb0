"""Reading EVE files in all supported forms, and broken or hostile files."""

from __future__ import annotations

import bz2
import gzip
import json
import tracemalloc
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.shipper.adapters.eve import EveReader
from app.shipper.decompression import DecompressedFile, UnsupportedFileError

SAMPLES = Path(__file__).parents[3] / "samples"
GOOD = [
    {"timestamp": "2026-11-22T00:00:00Z", "event_type": "alert", "n": number, "alert": {"signature": "表示 [{,"}}
    for number in range(3)
]
LINES = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in GOOD)
ARRAY = json.dumps(GOOD, ensure_ascii=False)


def read(path: Path, data: bytes, **options: Any) -> tuple[EveReader, list[dict[str, Any]]]:
    file = path / "eve.json"
    file.write_bytes(data)
    reader = EveReader(file, **options)
    return reader, list(reader)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("honeypot-2018.alerts.json", {"alert": 44}),
        ("wrccdc-2017.alerts.json", {"alert": 161}),
        ("josevnz_eve_large.jsonl.gz", {"alert": 1794, "ssh": 1216, "anomaly": 81, "dhcp": 58, "tls": 14, "http": 10}),
    ],
)
def test_the_samples_are_read_completely(name: str, kinds: dict[str, int]) -> None:
    reader = EveReader(SAMPLES / name)

    assert Counter(record["event_type"] for record in reader) == kinds
    assert (reader.records, reader.unreadable, reader.damage) == (sum(kinds.values()), 0, None)
    assert sum(1 for _ in reader) == sum(kinds.values()), "a second iteration reads the same"


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        LINES.rstrip("\n"),
        "\ufeff" + LINES,
        LINES.replace("\n", "\r\n"),
        "\n\n" + LINES.replace("\n", "\n \n\r\n"),
        ARRAY,
        json.dumps(GOOD, indent=2),
        "\ufeff" + json.dumps(GOOD, indent=4).replace("\n", "\r\n"),
        "\n".join(json.dumps(record, indent=2) for record in GOOD),
        f"[{json.dumps(GOOD[0])}]\n{json.dumps(GOOD[1])}\n[{json.dumps(GOOD[2])}]",
    ],
    ids=[
        "lines",
        "no last line end",
        "mark",
        "crlf",
        "blank lines",
        "array",
        "pretty",
        "pretty crlf",
        "pretty objects",
        "mixed",
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_form_gives_the_same_records(tmp_path: Path, text: str, pack: Any, encoding: str) -> None:
    reader, records = read(tmp_path, pack(text.encode(encoding)))

    assert records == GOOD
    assert (reader.records, reader.unreadable, reader.damage) == (3, 0, None)


def test_the_format_is_not_derived_from_the_file_name(tmp_path: Path) -> None:
    for name, data in {
        "eve.json.bz2": LINES.encode(),
        "eve.json": bz2.compress(LINES.encode()),
        "eve.gz": bz2.compress(LINES.encode()),
    }.items():
        file = tmp_path / name
        file.write_bytes(data)
        assert list(EveReader(file)) == GOOD


def test_an_archive_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFileError, match=r"eve\.json is a ZIP archive; unpack it first"):
        read(tmp_path, b"PK\x03\x04" + b"\0" * 100)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"[]", b" [ ] \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_not_an_error(tmp_path: Path, data: bytes) -> None:
    reader, records = read(tmp_path, data)

    assert (records, reader.unreadable, reader.damage) == ([], 0, None)


def test_broken_lines_are_counted_with_their_number(tmp_path: Path) -> None:
    first, second, third = LINES.splitlines()
    broken = [
        first,
        '{"timestamp": "x',
        "",
        second,
        "17",
        "[1, 2]",
        '{"a": NaN}',
        '{"a": ' + "1" * 5000 + "}",
        "garbage",
        third,
    ]

    reader, records = read(tmp_path, "\n".join(broken).encode())

    assert records == GOOD
    assert reader.unreadable == 6
    assert reader.problems == [
        "line 2: not JSON (Unterminated string starting at)",
        "line 5: not a JSON object",
        "line 6: not a JSON object",
        "line 7: NaN is not JSON",
        "line 8: a number with too many digits",
        "line 9: not JSON (Expecting value)",
    ]


@pytest.mark.parametrize(
    "broken",
    [
        '{"timestamp": "x", "a": ,}',
        '{"timestamp": "x, "a": 1}',
        '{"timestamp": "x", "a": {"b": 1}',
        '{"timestamp": "x", "files": [{"a": 1}, {"a": 2}, "b" 3]}',
        '{"timestamp": "x", "text": "},{\\"timestamp\\": 1", "b" 3}',
        "{" * 5,
    ],
)
@pytest.mark.parametrize("layout", [", ", ",\n  "])
def test_a_broken_record_of_an_array_costs_no_other(tmp_path: Path, broken: str, layout: str) -> None:
    records = [json.dumps(record) for record in GOOD]
    reader, found = read(tmp_path, f"[{layout.join([records[0], broken, *records[1:]])}]".encode())

    assert found == GOOD
    assert reader.unreadable == 1
    assert reader.problems[0].startswith("record 2: not JSON")


def test_an_array_that_is_cut_gives_what_it_has(tmp_path: Path) -> None:
    reader, found = read(tmp_path, ARRAY[:-10].encode())
    assert (found, reader.unreadable, reader.problems) == (GOOD[:2], 1, ["record 3: ends in the middle"])

    reader, found = read(tmp_path, ARRAY[:-1].encode())
    assert (found, reader.unreadable, reader.damage) == (GOOD, 0, "the array has no end; what came before was used")


def test_bytes_that_are_not_utf8_cost_no_record(tmp_path: Path) -> None:
    first, second, third = (line.encode() for line in LINES.splitlines())
    attack = first.replace("表示".encode(), b"\xff\x95\x01")

    for layout in (b"%b\n%b\n%b\n%b\n", b"[%b,%b,%b,%b]", b"[\n%b,\n%b,\n%b,\n%b]"):
        reader, records = read(tmp_path, layout % (first, attack, second, third))
        assert records[1].pop("alert") == {"signature": "\udcff\udc95\x01 [{,"}
        assert (len(records), reader.unreadable) == (4, 0)


@pytest.mark.parametrize("start", [b"\xff\xfe", b"\xfe\xff @cee: ", b"\xff"])
def test_stray_bytes_at_the_start_are_not_taken_for_utf16(tmp_path: Path, start: bytes) -> None:
    assert read(tmp_path, start + LINES.encode())[1] == GOOD


@pytest.mark.parametrize("zeros", [1, 2, 3, 4, 5_000_000])
def test_padding_with_nul_bytes_costs_no_record(tmp_path: Path, zeros: int) -> None:
    first, second, third = (line.encode() for line in LINES.splitlines())

    for layout in (b"%b%b\n%b\n%b", b"%b[%b,%b,%b]"):
        reader, records = read(tmp_path, layout % (bytes(zeros), first, second, third))
        assert (records, reader.unreadable) == (GOOD, 0)
    reader, records = read(tmp_path, b"%b\n%b%b%b\n%b" % (first, second[:30], bytes(zeros), second, third))
    assert (records, reader.problems) == (GOOD, ["line 2: not JSON (Expecting ',' delimiter)"])


def test_records_of_one_line_are_all_read_however_long_it_is(tmp_path: Path) -> None:
    first, second, third = LINES.splitlines()
    header = "<134>Nov 28 12:00:00 fw-1 suricata[4711]: @cee: "

    reader, records = read(tmp_path, f"{header}{first}\n{header}{second}{third}\n".encode())
    assert (records, reader.unreadable) == (GOOD, 0)
    reader, records = read(tmp_path, (first * 30_000).encode())
    assert (records, reader.unreadable) == ([GOOD[0]] * 30_000, 0)


@pytest.mark.parametrize("size", [100, 70_000, 1_100_000, 3_000_000])
def test_a_record_on_the_line_of_one_that_was_cut_off_is_read(tmp_path: Path, size: int) -> None:
    first, second, third = LINES.splitlines()
    cut_off = '{"timestamp": "2026-11-22", "payload": "' + "x" * size

    reader, records = read(tmp_path, f"{first}\n{cut_off}{second}\n{cut_off}\n{third}".encode())
    assert (records, reader.unreadable) == (GOOD, 2)


@pytest.mark.parametrize("nest", ['{"timestamp":' * 50_000, "[" * 50_000, '{"timestamp":[{},' * 20_000])
def test_deep_nesting_is_refused_and_the_next_record_found(tmp_path: Path, nest: str) -> None:
    line = json.dumps(GOOD[0])

    reader, records = read(tmp_path, f"{line}\n{nest}\n{line}\n".encode())
    assert (len(records), reader.problems[0]) == (2, "line 2: nested too deeply")

    reader, records = read(tmp_path, f"[{line},\n{nest},\n{line}]".encode())
    assert (len(records), reader.problems[0]) == (2, "record 2: nested too deeply")


@pytest.mark.parametrize("layout", ["{}\n{}\n{}\n", "[{},{},{}]"])
def test_a_huge_record_is_refused_and_the_next_one_found(tmp_path: Path, layout: str) -> None:
    line, huge = json.dumps(GOOD[0]), json.dumps({"timestamp": "x" * 1_100_000})

    reader, records = read(tmp_path, layout.format(line, huge, line).encode())

    assert len(records) == 2
    assert [problem.split(" ", 2)[2] for problem in reader.problems] == ["longer than 1,048,576 characters"]


def test_a_record_of_just_under_the_limit_is_read(tmp_path: Path) -> None:
    big = {"timestamp": "x" * 1_000_000}

    for text in (json.dumps(big) + "\n", json.dumps([big]), json.dumps([big], indent=1)):
        assert read(tmp_path, text.encode())[1] == [big]


def small_blocks(data: bytes) -> bytes:
    """Compress with bzip2 in blocks of 100 kB, so that a small file has several."""
    return bz2.compress(data, 1)


@pytest.mark.parametrize("layout", ["{}\n{}\n{}", "[{},{},{}]", "[\n{},\n{}\n,{}]"])
def test_records_may_cross_the_boundaries_of_chunks(tmp_path: Path, layout: str) -> None:
    """Files are read in chunks of 65,536 bytes; the first record ends around that offset."""
    for size in range(65_510, 65_545):
        first = {"timestamp": "x" * (size - 20)}
        text = layout.format(json.dumps(first), '{"timestamp": "字", "a": -12.5e3}', '{"timestamp": true}')
        reader, records = read(tmp_path, text.encode())
        assert records == [first, {"timestamp": "字", "a": -12500.0}, {"timestamp": True}]
        assert reader.unreadable == 0


def test_only_the_first_problems_are_kept(tmp_path: Path) -> None:
    reader, _ = read(tmp_path, b"x\n" * 5000)

    assert reader.unreadable == 5000
    assert len(reader.problems) == 10


@pytest.mark.parametrize(("pack", "kind"), [(gzip.compress, "gzip"), (small_blocks, "bzip2")])
def test_a_file_that_ends_early_gives_what_can_be_read(tmp_path: Path, pack: Any, kind: str) -> None:
    text = "".join(
        f'{{"n": {number}, "x": "{zlib.crc32(str(number).encode())}"}}\n' for number in range(20_000)
    ).encode()
    compressed = pack(text)

    reader, records = read(tmp_path, compressed[: len(compressed) // 2])

    assert reader.damage == f"the {kind} data ends early; what came before was used"
    assert 2_000 < len(records) < 18_000
    assert [record["n"] for record in records] == list(range(len(records)))
    assert reader.unreadable <= 1, "the line that was cut"


def test_damage_in_the_middle_is_reported(tmp_path: Path) -> None:
    compressed = bytearray(small_blocks(b"".join(b'{"n": %d}\n' % number for number in range(100_000))))
    compressed[len(compressed) // 2] ^= 0xFF

    reader, records = read(tmp_path, bytes(compressed))

    assert reader.damage == "the bzip2 data is damaged; what came before was used"
    assert 0 < len(records) < 100_000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_concatenated_compressed_files_are_read_completely(tmp_path: Path, pack: Any) -> None:
    half = pack(LINES.encode())

    reader, records = read(tmp_path, half + half + b"\0" * 1000)

    assert (records, reader.damage) == (GOOD + GOOD, None)


def _bomb(start: bytes) -> bytes:
    """Return a few kilobytes that decompress to 64 MB."""
    return bz2.compress(start) + bz2.compress(b"x" * 1_000_000) * 64


@pytest.mark.parametrize("start", [b"", b'[{"timestamp": "', b'{"a": "b"}\n{"timestamp": "'])
def test_a_decompression_bomb_needs_little_memory(tmp_path: Path, start: bytes) -> None:
    file = tmp_path / "eve.json"
    file.write_bytes(_bomb(start))
    assert file.stat().st_size < 100_000

    reader = EveReader(file)
    tracemalloc.start()
    try:
        records = sum(1 for _ in reader)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert records == start.count(b"\n")
    assert reader.unreadable == 1
    assert peak < 16_000_000


def test_chunks_are_small_for_any_compression_ratio(tmp_path: Path) -> None:
    file = tmp_path / "zeros"
    for data in (gzip.compress(b"\0" * 10_000_000), bz2.compress(b"\0" * 10_000_000)):
        file.write_bytes(data)
        sizes = [len(chunk) for chunk in DecompressedFile(file).chunks()]
        assert sum(sizes) == 10_000_000
        assert max(sizes) == 65_536


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children, max_size=3)
    ),
    max_leaves=8,
)
some_records = st.lists(
    st.dictionaries(st.sampled_from(["timestamp", "alert", "a", "{", "\n"]), json_values), max_size=6
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(records=some_records, ascii_only=st.booleans(), indent=st.sampled_from([None, 0, 2]))
def test_whatever_json_writes_is_read_back(
    tmp_path: Path, records: list[dict[str, Any]], ascii_only: Any, indent: int | None
) -> None:
    lines = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records)
    array = json.dumps(records, ensure_ascii=ascii_only, indent=indent)

    assert read(tmp_path, lines.encode())[1] == records
    assert read(tmp_path, array.encode())[1] == records


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    data=st.binary(max_size=300),
    start=st.sampled_from([b" ", b"[", b"[{", b"{\n", b"\x1f\x8b\x08", b"BZh9", b"\xff\xfe"]),
)
def test_no_bytes_cause_an_exception(tmp_path: Path, data: bytes, start: bytes) -> None:
    reader, records = read(tmp_path, start + data)

    assert len(records) == reader.records
