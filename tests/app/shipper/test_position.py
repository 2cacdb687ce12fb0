"""The stored position in a followed log."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from app.shipper.position import Position, PositionStore, fingerprint
from app.shipper.time_shift import StateError

PLACE = Position(device=1, inode=2, offset=300, fingerprint=fingerprint(b"x" * 300), fingerprinted=300, written=5)
LATER = replace(PLACE, offset=400)


def store(folder: Path, name: str = "eve.json", token: str = "secret-token") -> PositionStore:
    return PositionStore(folder / "shipper", folder / name, token)


def test_a_place_is_remembered_for_each_log_and_utm(tmp_path: Path) -> None:
    with store(tmp_path) as positions:
        assert positions.load() is None
        positions.save(PLACE)
        positions.save(LATER)

    with store(tmp_path) as positions:
        assert positions.load() == LATER
    assert store(tmp_path, name="other.json").load() is None
    assert store(tmp_path, token="another").load() is None


def test_the_file_is_private_and_does_not_hold_the_token(tmp_path: Path) -> None:
    with store(tmp_path) as positions:
        positions.save(PLACE)

    assert stat.S_IMODE(positions.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(positions.file.stat().st_mode) == 0o600
    assert "secret" not in positions.file.name + positions.file.read_text()
    assert json.loads(positions.file.read_text())["path"] == str(tmp_path / "eve.json")


def test_the_utm_and_that_the_portal_answered_are_remembered_once_they_are_known(tmp_path: Path) -> None:
    with store(tmp_path) as positions:
        positions.save(PLACE)
        assert "utm" not in json.loads(positions.file.read_text())
        assert (store(tmp_path).load(), positions.utm, positions.answered) == (PLACE, None, False)
        positions.utm, positions.answered = "a1b2c3d4e5f6", True
        positions.save(LATER)

    with store(tmp_path) as positions:
        assert (positions.load(), positions.utm, positions.answered) == (LATER, "a1b2c3d4e5f6", True)


@pytest.mark.parametrize(("offset", "answered"), [(0, False), (300, True)])
def test_of_what_older_versions_wrote_all_before_it_counts_as_sent(
    tmp_path: Path, offset: int, *, answered: bool
) -> None:
    with store(tmp_path) as positions:
        positions.save(replace(PLACE, offset=offset))
        old = json.loads(positions.file.read_text())
        del old["answered"]
        positions.file.write_text(json.dumps(old))
        positions.load()

        assert (positions.utm, positions.answered) == (None, answered)


def test_the_positions_of_other_tokens_are_those_in_the_same_log(tmp_path: Path) -> None:
    for name, token in [("eve.json", "secret-token"), ("eve.json", "another"), ("other.json", "another")]:
        with store(tmp_path, name, token) as positions:
            positions.save(PLACE)
    (other,) = store(tmp_path).for_other_tokens()

    assert other.file == store(tmp_path, token="another").file
    assert other.load() == PLACE
    other.delete()
    assert store(tmp_path).for_other_tokens() == []
    assert store(tmp_path).load() == store(tmp_path, "other.json", "another").load() == PLACE


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", "\0", '{"device": 1, "inode": 2, "offset": "x", "fingerprint": ""}'),
        '{"device": 1, "inode": 2, "offset": -1, "fingerprint": "", "fingerprinted": 0, "written": 0}',
    ],
)
def test_an_invalid_position_means_the_start(tmp_path: Path, text: str) -> None:
    with store(tmp_path) as positions:
        positions.save(PLACE)
        positions.file.write_text(text)

        assert positions.load() is None


def test_leftovers_of_a_killed_run_are_overwritten(tmp_path: Path) -> None:
    with store(tmp_path) as positions:
        positions.file.with_suffix(".new").write_text("half a pos")
        positions.save(PLACE)

        assert positions.load() == PLACE
        assert not positions.file.with_suffix(".new").exists()


def test_a_log_is_followed_once_for_a_utm(tmp_path: Path) -> None:
    with store(tmp_path), pytest.raises(StateError, match=r"eve\.json is already being followed for this UTM\."):
        store(tmp_path).__enter__()
    with store(tmp_path) as after_the_first_has_ended:
        assert after_the_first_has_ended.load() is None


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "shipper").write_text("")

    with pytest.raises(StateError, match="cannot be written"):
        store(tmp_path).__enter__()


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with store(tmp_path) as positions:
        positions.file.with_suffix(".new").mkdir()

        with pytest.raises(StateError, match="cannot be written"):
            positions.save(PLACE)
