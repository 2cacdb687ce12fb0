"""The command ``utm ship`` with several files and patterns."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.shipper.command import utm
from tests.app.shipper.eve_records import alert, text_of
from tests.app.shipper.follow_helpers import follow_until_sigterm
from tests.support.processes import eventually

pytestmark = pytest.mark.usefixtures("alone")
Table = Callable[[Result], dict[str, str]]


def ship(portal: Any, *args: object) -> Result:
    base = ["ship", "--quiet", "--format", "suricata", "--url", portal.url, "--token", "token-1"]
    return CliRunner().invoke(utm, [*base, *map(str, args)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "eve.1.json").write_text(text_of(alert(1), alert(2)) + "garbage\n")
    (tmp_path / "eve.2.json").write_text(text_of(alert(3)))
    (tmp_path / "eve.10.json.gz").write_bytes(gzip.compress(text_of(alert(4), {"event_type": "dns"}).encode()))
    return tmp_path


def test_each_file_is_shipped(portal: Any, folder: Path, table: Table) -> None:
    for args in (
        ["--file", folder / "eve.*.json*"],
        ["--file", folder / "eve.1.json", "--file", folder / "eve.2.json", "--file", folder / "eve.10.json.gz"],
        ["--file", folder / "eve.*.json*", "--file", folder / "eve.1.json"],
    ):
        portal.stored.clear()
        result = ship(portal, *args)

        assert result.exit_code == 1
        assert [int(line["suricata_flow_id"]) for line in portal.stored.values()] == [1, 2, 3, 4]
        assert result.output.splitlines()[:3] == [
            f"file                    {folder}/{name}" for name in ("eve.1.json", "eve.2.json", "eve.10.json.gz")
        ]
        assert table(result).items() >= {"records read": "6", "alerts": "4", "stored": "4", "duplicate": "0"}.items()
        assert "    eve.1.json line 3: not JSON (Expecting value)\n" in result.output


def test_of_many_files_the_first_are_listed(portal: Any, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"eve.{number}.json").write_text(text_of(alert(number)))
    result = ship(portal, "--file", tmp_path / "eve.*.json")

    assert (result.exit_code, len(portal.stored)) == (0, 12)
    assert result.output.count("file    ") == 10
    assert "\n                        and 2 more\n" in result.output


def test_files_are_moved_in_time_together(portal: Any, tmp_path: Path, clock: Any, table: Table) -> None:
    for number, hour in ((1, "10"), (2, "12"), (3, "11")):
        record = alert(number, timestamp=f"2020-01-01T{hour}:00:00.000000+0000")
        (tmp_path / f"eve.{number}.json").write_text(text_of(record))
    ship(portal, "--file", tmp_path / "eve.*.json", "--shift-to", "now")

    assert [time for _, _, time in portal.stored] == [
        "2026-11-22T01:04:05.678901+00:00",
        "2026-11-22T03:04:05.678901+00:00",
        "2026-11-22T02:04:05.678901+00:00",
    ]
    clock.at += timedelta(hours=1)
    again = ship(portal, "--file", tmp_path / "eve.*.json", "--shift-to", "now")
    assert table(again)["duplicate"] == "3"


def test_one_of_several_files_that_cannot_be_read_costs_no_other(portal: Any, folder: Path, table: Table) -> None:
    (folder / "eve.1.json").write_bytes(b"PK\x03\x04")
    result = ship(portal, "--file", folder / "eve.*.json", "--shift-to", "now")

    assert (result.exit_code, table(result)["stored"]) == (1, "1")
    assert f"damaged                 {folder}/eve.1.json is a ZIP archive; unpack it first" in result.output


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("eve-%Y.json", "No file matches {folder}/eve-%Y.json."),
        ("eve-%b.json", "%b is not supported in a pattern of file names, only %Y"),
        ("missing.json", "{folder}/missing.json does not exist."),
    ],
)
def test_a_pattern_that_names_nothing_is_reported_in_one_sentence(
    portal: Any, folder: Path, value: str, message: str
) -> None:
    result = ship(portal, "--file", folder / "eve.1.json", "--file", folder / value)

    assert (result.exit_code, result.stdout, portal.calls) == (2, "", [])
    assert message.format(folder=folder) in result.stderr


def test_a_pattern_is_followed_and_unreadable_records_are_reported_and_the_exit_code(portal: Any, folder: Path) -> None:
    (folder / "eve.2.json").unlink()
    args = ["ship", "--format", "suricata", "--follow", "--quiet", "--file", f"{folder}/eve.*.json"]

    def steps() -> None:
        assert eventually(lambda: len(portal.stored) == 2, seconds=60)
        (folder / "eve.3.json").write_text(text_of(alert(5)))
        assert eventually(lambda: len(portal.stored) == 3, seconds=60)

    result = follow_until_sigterm([*args, "--url", portal.url, "--token", "token-1"], steps)

    size = (folder / "eve.1.json").stat().st_size
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Following {folder}/eve.1.json from its start. Ctrl-C ends it.",
        f"Unreadable records: 1 new, 1 in total; the last is eve.1.json at byte {size - 8}: not JSON (Expecting value).",
        f"Following {folder}/eve.3.json from its start.",
    ]
    assert result.stdout.startswith(f"file                    {folder}/eve.*.json\n")
