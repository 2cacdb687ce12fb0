"""The stored time shift of a log."""

from __future__ import annotations

import json
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from app.shipper.time_shift import ShiftStore, StateError

SHIFT = timedelta(days=1234, hours=5, microseconds=678901)


def test_a_shift_is_remembered_to_the_microsecond(tmp_path: Path) -> None:
    store = ShiftStore(tmp_path / "shipper")
    assert store.load(b"record", "token") is None
    assert store.remember(b"record", "token", SHIFT) == SHIFT
    assert ShiftStore(tmp_path / "shipper").load(b"record", "token") == SHIFT


@pytest.mark.parametrize("shift", [timedelta(0), timedelta(days=-3, microseconds=1)])
def test_no_shift_and_a_shift_back_are_shifts(tmp_path: Path, shift: timedelta) -> None:
    store = ShiftStore(tmp_path)

    assert store.remember(b"record", "token", shift) == shift
    assert store.load(b"record", "token") == shift


def test_the_first_shift_is_kept(tmp_path: Path) -> None:
    store = ShiftStore(tmp_path)
    store.remember(b"record", "token", timedelta(0))

    assert store.remember(b"record", "token", SHIFT) == timedelta(0)


def test_runs_at_the_same_moment_agree(tmp_path: Path) -> None:
    store, standing = ShiftStore(tmp_path), []
    threads = [
        threading.Thread(
            target=lambda number=number: standing.append(store.remember(b"record", "token", timedelta(seconds=number)))
        )
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(standing)) == 1
    assert len(list(tmp_path.iterdir())) == 1, "and leave nothing beside it"


def test_each_log_and_each_utm_has_its_own(tmp_path: Path) -> None:
    store = ShiftStore(tmp_path)
    store.remember(b"record", "token", SHIFT)

    assert store.load(b"another record", "token") is None
    assert store.load(b"record", "another token") is None


def test_a_shift_is_the_utms_under_whatever_token(tmp_path: Path) -> None:
    store = ShiftStore(tmp_path)
    store.remember(b"record", "token", SHIFT, "a1b2c3d4e5f6")

    assert store.load(b"record", "new token", "a1b2c3d4e5f6") == SHIFT
    assert store.load(b"record", "token", "0a0b0c0d0e0f") is None
    assert store.load(b"record", "token") is None, "if the portal does not return the UTM ID, the token is the key"


def test_a_shift_that_was_kept_by_the_token_is_found_and_then_kept_by_the_utm(tmp_path: Path) -> None:
    store = ShiftStore(tmp_path)
    store.remember(b"record", "token", SHIFT)

    assert store.load(b"record", "token", "a1b2c3d4e5f6") == SHIFT
    assert store.load(b"record", "new token", "a1b2c3d4e5f6") == SHIFT


def test_the_shift_of_the_utm_comes_before_that_of_the_token(tmp_path: Path) -> None:
    store = ShiftStore(tmp_path)
    store.remember(b"record", "token", timedelta(0))
    store.remember(b"record", "token", SHIFT, "a1b2c3d4e5f6")

    assert store.load(b"record", "token", "a1b2c3d4e5f6") == SHIFT


def test_the_file_is_private_and_does_not_hold_the_token(tmp_path: Path) -> None:
    folder = tmp_path / "shipper"
    ShiftStore(folder).remember(b"record", "secret-token", SHIFT)
    (file,) = folder.iterdir()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "secret" not in file.name + file.read_text()
    assert json.loads(file.read_text())["shift_microseconds"] == 106_635_600_678_901


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"shift_microseconds": "x"}',
        '{"shift_microseconds": null}',
        '{"shift_microseconds": 1e300}',
    ],
)
def test_an_invalid_file_is_reported_and_not_replaced(tmp_path: Path, text: str) -> None:
    store = ShiftStore(tmp_path)
    store.remember(b"record", "token", SHIFT)
    (file,) = tmp_path.iterdir()
    file.write_text(text)

    with pytest.raises(StateError, match="cannot be read; delete it to move the log anew"):
        store.load(b"record", "token")
    assert file.read_text() == text


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateError, match="cannot be written"):
        ShiftStore(tmp_path / "file" / "shipper").remember(b"record", "token", SHIFT)
