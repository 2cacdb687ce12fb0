"""All outcomes of a run of ``utm ship``: the table adds up, and the message says how to continue."""

from __future__ import annotations

import errno
import gzip
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.shipper import batch, run
from app.shipper.command import utm
from app.shipper.decompression import DecompressedFile
from app.shipper.progress import Progress
from tests.app.shipper.eve_records import alert, text_of

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """1,200 alerts in batches of 500, of which the portal rejects three; 400 other records; 60 unreadable lines."""
    monkeypatch.setattr(batch, "BATCH_LINES", 500)
    records = [alert(number) for number in range(1_200)]
    for number in (1, 501, 1_199):
        records[number]["alert"] = {"action": "refuse-me"}
    lines = text_of(*records).splitlines()
    for number in range(400):
        lines.insert(number * 3, '{"event_type": "dns"}')
    for number in range(60):
        lines.insert(number * 20, ["garbage", '{"event_type": "alert", "alert": {}}', "17"][number % 3])
    (tmp_path / "eve.json").write_text("\n".join(lines))
    return tmp_path / "eve.json"


def ship(portal: Any, log: Path, *args: str) -> Result:
    base = ["ship", "--format", "suricata", "--url", portal.url, "--token", "token-1", "--file", str(log)]
    return CliRunner().invoke(utm, [*base, *args])


def counts(result: Result) -> dict[str, int]:
    """Return the numbers of the table, and check that they add up."""
    found = {
        name: int(number.replace(",", ""))
        for name, number in re.findall(r"^ *([a-z ]+?) +([\d,]+)$", result.stdout, re.MULTILINE)
    }
    assert found["records read"] == found["alerts"] + found["skipped"] + found["unreadable"]
    assert found["alerts"] == found["sent"] + found.get("not sent", 0)
    assert found["sent"] == found["stored"] + found["duplicate"] + found["rejected"]
    return found


def test_a_run_that_is_finished(portal: Any, log: Path) -> None:
    result = ship(portal, log)

    assert result.exit_code == 1
    found = counts(result)
    assert found.pop("hourly counts") in {1, 2}, "two if the hour has just begun"
    assert found == {
        "records read": 1_660,
        "alerts": 1_200,
        "skipped": 400,
        "dns": 400,
        "unreadable": 60,
        "sent": 1_200,
        "stored": 1_197,
        "duplicate": 0,
        "rejected": 3,
    }
    assert re.findall(r"^      line ([\d]+) \(\S+\): (.*)$", result.stdout, re.MULTILINE) == [
        ("2", "act: refused"),
        ("502", "act: refused"),
        ("1200", "act: refused"),
    ]


@pytest.mark.parametrize(
    ("refused", "reported", "line"),
    [
        (10, 100, None),
        (11, 100, "      and 1 more"),
        (2_020, 100, "      and 2,010 more"),
        (20, 3, "      and 17 more"),
        (20, 0, None),
    ],
    ids=["ten", "eleven", "thousands", "lists three", "lists none"],
)
def test_how_many_refused_lines_are_not_listed_is_reported(
    portal: Any, tmp_path: Path, refused: int, reported: int, line: str | None
) -> None:
    portal.most_reasons = reported
    log = tmp_path / "eve.json"
    log.write_text(text_of(*(alert(number, alert={"action": "refuse-me"}) for number in range(refused))))
    result = ship(portal, log)

    assert (result.exit_code, counts(result)["rejected"]) == (1, refused)
    listed = result.stdout.count("): act: refused\n")
    assert listed == min(10, reported)
    assert [each for each in result.stdout.splitlines() if each.endswith(" more")] == ([line] if line else [])


def test_how_many_unreadable_records_are_not_listed_is_reported(portal: Any, log: Path) -> None:
    result = ship(portal, log)

    assert len(re.findall(r"^    (?:line|record) \d+: ", result.stdout, re.MULTILINE)) == 10
    assert re.findall(r"^    and .* more$", result.stdout, re.MULTILINE) == ["    and 50 more"]


@pytest.fixture
def terminal() -> Iterator[None]:
    """Handle SIGINT as on a terminal; background jobs of a shell ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_run_that_is_interrupted(portal: Any, log: Path, number: int) -> None:
    portal.before_answer = lambda: os.kill(os.getpid(), number) if len(portal.batches) == 2 else None
    result = ship(portal, log)

    found = counts(result)
    assert result.exit_code == 130
    assert (found["sent"], found["stored"], found["rejected"]) == (500, 499, 1)
    assert 500 <= found["not sent"] <= 501, "the batch under way, of which nobody knows what became of it"
    assert result.stderr.endswith("Interrupted. The same command continues: the portal stores each alert once.\n")

    portal.before_answer = lambda: None
    found = counts(ship(portal, log))
    assert (found["stored"], found["duplicate"], found["rejected"]) == (200 - 1, 998, 3)


def test_a_run_that_loses_the_portal(portal: Any, log: Path) -> None:
    portal.before_answer = lambda: portal.script.extend([(503, {}, b"")] * 2)
    result = ship(portal, log)

    found = counts(result)
    assert result.exit_code == 2
    assert (found["sent"], found["not sent"]) == (500, 501)
    assert result.stderr.endswith("answered 503, 2 times. It is safe to run this again later.\n")


def test_a_run_over_a_damaged_file(portal: Any, log: Path) -> None:
    compressed = gzip.compress(log.read_bytes())
    log.write_bytes(compressed[: len(compressed) // 2])
    result = ship(portal, log)

    found = counts(result)
    assert result.exit_code == 1
    assert found["stored"] > 0
    assert "not sent" not in found
    assert "damaged                 the gzip data ends early; what came before was used\n" in result.stdout


def test_a_run_whose_file_cannot_be_read_on(portal: Any, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = DecompressedFile._take

    def take_while_the_disk_holds(file: DecompressedFile, handle: Any) -> bytes:
        if portal.batches:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return take(file, handle)

    monkeypatch.setattr(DecompressedFile, "_take", take_while_the_disk_holds)
    result = ship(portal, log)

    found = counts(result)
    assert (result.exit_code, found["sent"]) == (2, 500)
    assert result.stderr.endswith(f"Error: {log} cannot be read: Input/output error.\n")


def test_a_run_in_which_nothing_was_read_has_no_table(portal: Any, tmp_path: Path) -> None:
    (tmp_path / "eve.zip").write_bytes(b"PK\x03\x04")

    assert ship(portal, tmp_path / "eve.zip").stdout == ""


def test_a_long_run_shows_how_far_it_came(portal: Any, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hurried(Progress):
        def __init__(self, *args: Any, **options: Any) -> None:
            seconds = iter(range(0, 10**9, 1))
            super().__init__(*args, clock=lambda: next(seconds) / 10, **options)

    monkeypatch.setattr(run, "Progress", Hurried)
    shown = ship(portal, log).stderr.splitlines()

    assert len(shown) == 17, "a tick for each record, 10 to the second, shown every ten"
    assert re.fullmatch(r"1\d records read \(\d+%, \d+/s\), \d+ alerts, 0 sent, 0 stored", shown[0])
    assert re.fullmatch(r"1,5\d\d records read \(\d+%, \d+/s\), [\d,]+ alerts, 1,000 sent, 998 stored", shown[-1])
    moved = ship(portal, log, "--shift-to", "now").stderr.splitlines()
    assert re.fullmatch(r"looking for the last alert: \d\d records \(\d+%, [\d,]+/s\)", moved[0])
    assert ship(portal, log, "--quiet").stderr == ""
