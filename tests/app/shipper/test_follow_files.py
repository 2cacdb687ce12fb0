"""Following several files: one per thread, one per day, and rotated files."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.shipper import follow, followed_log
from app.shipper.adapters.suricata import SURICATA
from app.shipper.client import DeviceClient
from app.shipper.followed_log import FollowedLog
from app.shipper.shipping import LogFiles, ShippingResult, ship
from tests.app.shipper.eve_records import alert, text_of
from tests.app.shipper.follow_helpers import Script, add, nothing, run

NIGHT = 8 * 3600


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def files(folder: Path) -> Callable[[], list[str]]:
    """Return the names of the files with a stored position."""
    return lambda: sorted(
        Path(json.loads(file.read_text())["path"]).name for file in (folder / "shipper").glob("position-*.json")
    )


def stored(portal: Any) -> list[int]:
    """Return the numbers of the stored alerts."""
    return sorted(int(line["suricata_flow_id"]) for line in portal.stored.values())


def write(folder: Path, name: str, *numbers: int, age: float = 0) -> Path:
    """Add alerts to a file, with a modification time so many seconds ago."""
    add(folder / name, text_of(*map(alert, numbers)))
    when = (folder / name).stat().st_mtime_ns - int(age * 1e9)
    os.utime(folder / name, ns=(when, when))
    return folder / name


def test_files_of_threads_are_followed_each_from_its_own_place(
    portal: Any, folder: Path, files: Callable[[], list[str]]
) -> None:
    pattern = [str(folder / "eve.*.json")]
    write(folder, "eve.1.json", 1, 2)
    write(folder, "eve.2.json", 3)

    shipped, _ = run(portal, pattern, nothing, lambda: write(folder, "eve.2.json", 4), nothing)
    assert (stored(portal), shipped.records, portal.batches) == ([1, 2, 3, 4], 4, [3, 1])
    assert files() == ["eve.1.json", "eve.2.json"]

    write(folder, "eve.1.json", 5)
    shipped, _ = run(portal, pattern)
    assert (stored(portal), shipped.records) == ([1, 2, 3, 4, 5], 1)


def test_a_file_that_appears_is_followed_from_its_start(portal: Any, folder: Path) -> None:
    messages: list[str] = []
    pattern = str(folder / "eve-%Y-%m-%d.json")
    steps = [
        nothing,
        lambda: write(folder, "eve-2026-11-27.json", 1),
        lambda: write(folder, "eve-2026-11-28.json", 2),
        lambda: write(folder, "eve-2026-11-27.json", 3),
        nothing,
    ]

    shipped, _ = run(portal, [pattern], *steps, messages=messages)

    assert (stored(portal), shipped.sent.duplicate) == ([1, 2, 3], 0)
    assert messages == [f"No file matches {pattern} yet; waiting for one."]


def test_several_values_are_followed_together(portal: Any, folder: Path) -> None:
    messages: list[str] = []
    write(folder, "a.json", 1)
    values = [str(folder / "a.json"), str(folder / "b.json")]

    run(portal, values, nothing, lambda: write(folder, "b.json", 2), nothing, messages=messages)

    assert stored(portal) == [1, 2]
    assert messages == [f"{folder}/b.json does not exist yet; waiting for it."]


@pytest.mark.parametrize("restart", [False, True], ids=["while it runs", "in between"])
@pytest.mark.parametrize("name", ["eve.json.1", "eve.json-20261127", "eve-20261127.json", "eve.json.20261127"])
def test_what_rotation_takes_from_a_log_is_not_sent_again_although_it_fits_the_pattern(
    portal: Any, folder: Path, name: str, *, restart: bool
) -> None:
    log, pattern = write(folder, "eve.json", 1), [str(folder / "eve*.json*")]

    def rotate() -> None:
        add(log, text_of(alert(2)))
        log.rename(folder / name)
        add(log, text_of(alert(3)))

    if restart:
        duplicate = run(portal, pattern)[0].sent.duplicate
        rotate()
        duplicate += run(portal, pattern, nothing, nothing)[0].sent.duplicate
    else:
        duplicate = run(portal, pattern, rotate, nothing, nothing)[0].sent.duplicate

    assert (stored(portal), duplicate) == ([1, 2, 3], 0)
    write(folder, "eve.json", 4)
    shipped, _ = run(portal, pattern, nothing)
    assert (stored(portal), shipped.records) == ([1, 2, 3, 4], 1)


def test_a_copy_that_rotation_makes_is_not_sent_again(portal: Any, folder: Path) -> None:
    log, pattern = write(folder, "eve.json", 1), [str(folder / "eve.json*")]

    def rotate() -> None:
        add(log, text_of(alert(2)))
        (folder / "eve.json-20261127").write_bytes(log.read_bytes())
        os.truncate(log, 0)

    shipped, _ = run(portal, pattern, rotate, lambda: write(folder, "eve.json", 3), nothing, nothing)
    assert (stored(portal), shipped.sent.duplicate) == ([1, 2, 3], 0)
    assert run(portal, pattern, nothing)[0].records == 0


def test_rotated_files_that_fit_the_pattern_are_sent_first(portal: Any, folder: Path) -> None:
    write(folder, "eve.json", 4)
    write(folder, "eve.json.1", 3, age=100)
    old = write(folder, "eve.json.2", 1, 2, age=200)
    compressed = old.with_name("eve.json.2.gz")
    compressed.write_bytes(gzip.compress(old.read_bytes()))
    os.utime(compressed, ns=(old.stat().st_mtime_ns,) * 2)
    old.unlink()

    shipped, _ = run(portal, [str(folder / "eve.json*")], nothing)

    assert [int(line["suricata_flow_id"]) for line in portal.stored.values()] == [1, 2, 3, 4]
    assert shipped.sent.duplicate == 0
    assert run(portal, [str(folder / "eve.json*")], nothing)[0].records == 0


def test_a_file_of_a_day_that_was_compressed_is_the_same_file(portal: Any, folder: Path) -> None:
    old = write(folder, "eve-2026-11-27.json", 1)
    pattern = [str(folder / "eve-%F.json*")]
    run(portal, pattern)
    add(old, text_of(alert(2)))
    (folder / "eve-2026-11-27.json.gz").write_bytes(gzip.compress(old.read_bytes()))
    old.unlink()
    write(folder, "eve-2026-11-28.json", 3)

    shipped, _ = run(portal, pattern, nothing)

    assert (stored(portal), shipped.records) == ([1, 2, 3], 2)
    assert run(portal, pattern, nothing)[0].records == 0


def test_a_log_that_was_renamed_while_nobody_followed_it_is_known_under_its_new_name(portal: Any, folder: Path) -> None:
    log, pattern = write(folder, "eve.json", 1), [str(folder / "eve*.json")]
    run(portal, pattern)
    write(folder, "eve.json", 2)
    log.rename(folder / "eve-20261127.json")
    assert run(portal, pattern, nothing)[0].records == 1

    write(folder, "eve-20261127.json", 3)
    write(folder, "eve.json", 4)
    shipped, _ = run(portal, pattern, nothing)
    assert (stored(portal), shipped.records) == ([1, 2, 3, 4], 2)


def test_a_link_to_the_file_of_the_day_is_that_file(portal: Any, folder: Path) -> None:
    link = folder / "eve.json"
    link.symlink_to(write(folder, "eve-2026-11-27.json", 1))

    def next_day() -> None:
        write(folder, "eve-2026-11-27.json", 2)
        link.unlink()
        link.symlink_to(write(folder, "eve-2026-11-28.json", 3))

    shipped, _ = run(portal, [str(folder / "eve*.json")], nothing, next_day, nothing, nothing)

    assert (stored(portal), shipped.sent.duplicate) == ([1, 2, 3], 0)
    assert run(portal, [str(folder / "eve*.json")], nothing)[0].records == 0


def test_files_that_are_quiet_are_closed_and_opened_again_when_they_are_written_to(
    portal: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_MAX_OPEN", 5)
    for number in range(1, 31):
        write(folder, f"eve-2026-11-{number:02}.json", number, age=NIGHT)
    tails: list[int] = []

    def look() -> None:
        tails.append(sum(link.startswith(str(folder / "eve")) for link in open_files()))

    shipped, _ = run(
        portal,
        [str(folder / "eve-%F.json")],
        look,
        lambda: write(folder, "eve-2026-11-07.json", 31),
        look,
        nothing,
    )

    assert (stored(portal), shipped.sent.duplicate) == (list(range(1, 32)), 0)
    assert tails == [0, 1]
    messages: list[str] = []
    assert run(portal, [str(folder / "eve-%F.json")], look, messages=messages)[0].records == 0


def open_files() -> list[str]:
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


def test_what_is_written_while_a_quiet_file_is_being_closed_is_read(
    portal: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "eve.1.json", 1, age=NIGHT)
    close, late = FollowedLog.close, [2]

    def write_and_close(log: FollowedLog) -> None:
        if late:
            write(folder, "eve.1.json", late.pop())
        close(log)

    monkeypatch.setattr(FollowedLog, "close", write_and_close)
    run(portal, [str(folder / "eve.?.json")], *[nothing] * 4)

    assert stored(portal) == [1, 2]


def test_a_quiet_file_that_is_rotated_away_with_something_new_is_read_to_its_end(portal: Any, folder: Path) -> None:
    log = write(folder, "eve.1.json", 1, age=NIGHT)

    def rotate() -> None:
        write(folder, "eve.1.json", 2)
        log.rename(folder / "eve.1.json.1")

    shipped, _ = run(portal, [str(folder / "eve.?.json")], nothing, nothing, rotate, nothing, nothing)

    assert (stored(portal), shipped.sent.duplicate) == ([1, 2], 0)


def test_the_last_record_of_a_quiet_file_needs_no_line_end(
    portal: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(folder, "eve-2026-11-27.json", 1, age=NIGHT)
    log.write_bytes(log.read_bytes()[:-1])
    pattern = [str(folder / "eve-%F.json")]
    assert run(portal, pattern, nothing)[0].records == 0, "somebody may still be writing it"

    monkeypatch.setattr(followed_log, "_IDLE_SECONDS", -1)
    assert run(portal, pattern, nothing)[0].sent.stored == 1
    assert run(portal, pattern, nothing)[0].records == 0


def test_a_file_that_fits_the_pattern_and_cannot_be_followed_is_reported_once_and_the_others_go_on(
    portal: Any, folder: Path
) -> None:
    (folder / "eve.1.json").write_bytes(gzip.compress(b"{}\n"))
    os.mkfifo(folder / "eve.2.json")
    write(folder, "eve.3.json", 1)
    messages: list[str] = []

    shipped, _ = run(
        portal, [str(folder / "eve.*.json")], lambda: write(folder, "eve.3.json", 2), nothing, messages=messages
    )

    assert stored(portal) == [1, 2]
    assert [sentence.split(":")[0] for sentence in messages] == [
        f"{folder}/eve.1.json is compressed with gzip",
        f"{folder}/eve.2.json is a pipe, a device or the like",
    ]
    assert (shipped.successful, len(shipped.file_errors)) == (False, 2)


def test_identical_records_get_the_same_ids_as_from_files_that_are_shipped_once(portal: Any, folder: Path) -> None:
    same = text_of(alert(1))
    for name in ("eve.1.json", "eve.2.json"):
        add(folder / name, same + text_of(alert(int(name[4]) + 1)) + same)
    run(portal, [str(folder / "eve.*.json")], nothing)
    add(folder / "eve.1.json", same)
    run(portal, [str(folder / "eve.*.json")], nothing)

    shipped = ShippingResult()
    with DeviceClient(portal.url, "token-1") as client:
        ship(LogFiles(SURICATA, sorted(folder.glob("eve.*.json"))), client, shipped)
    assert (shipped.alerts, shipped.sent.stored) == (7, 0)


def test_unreadable_records_are_reported_while_it_runs_once_a_minute_and_without_their_text(
    portal: Any, folder: Path
) -> None:
    log, messages = write(folder, "eve.json", 1), []
    begin = log.stat().st_size
    add(log, "s3cret\n" * 3)
    # A wait is two seconds here.
    steps = [nothing, *[lambda: add(log, "s3cret\n")] * 10, *[nothing] * 25, lambda: add(log, "s3cret\n"), nothing]

    shipped, _ = run(portal, log, *steps, messages=messages)

    reason = "not JSON (Expecting value)"
    assert messages == [
        f"Unreadable records: 3 new, 3 in total; the last is eve.json at byte {begin + 14}: {reason}.",
        f"Unreadable records: 10 new, 13 in total; the last is eve.json at byte {begin + 84}: {reason}.",
        f"Unreadable records: 1 new, 14 in total; the last is eve.json at byte {begin + 91}: {reason}.",
    ]
    assert (shipped.unreadable, shipped.successful) == (14, False)
