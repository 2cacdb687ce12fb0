"""The files of a value of ``--file``."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.shipper.file_pattern import FilePattern, base_log_path, existing_files


def names(folder: Path, pattern: str) -> list[str]:
    return [path.name for path in FilePattern(str(folder / pattern)).paths()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        *("eve.json", "eve.1.json", "eve.2.json", "eve.10.json", "eve.json.20261127", "eve.json.20261128"),
        *("eve-2026-11-27.json", "eve-2026-11-28.json", "eve-2026-11-28.json.gz", "eve-today.json", "100%.json"),
    ):
        (tmp_path / name).touch()
    (tmp_path / "eve.3.json").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("eve.json", ["eve.json"]),
        ("eve-%Y-%m-%d.json", ["eve-2026-11-27.json", "eve-2026-11-28.json"]),
        ("eve-%F.json*", ["eve-2026-11-27.json", "eve-2026-11-28.json", "eve-2026-11-28.json.gz"]),
        ("eve.json.%Y%m%d", ["eve.json.20261127", "eve.json.20261128"]),
        ("eve.*.json", ["eve.1.json", "eve.2.json", "eve.10.json"]),
        ("eve.[0-9].json", ["eve.1.json", "eve.2.json"]),
        ("100%.json", ["100%.json"]),
        ("100%%.js*", ["100%.json"]),
        ("eve-%H.json", []),
        ("missing.json", []),
    ],
)
def test_a_pattern_names_the_files_that_fit(folder: Path, pattern: str, expected: list[str]) -> None:
    assert names(folder, pattern) == expected


def test_a_date_may_be_in_the_name_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "2026/11").mkdir(parents=True)
    (tmp_path / "2026/11/eve.json").touch()

    assert names(tmp_path, "%Y/%m/eve.json") == ["eve.json"]


@pytest.mark.parametrize("name", ["eve[2].json", "eve-%Y.json", "eve*.json"])
def test_a_file_of_exactly_that_name_is_that_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "eve2.json").touch()

    assert FilePattern(str(tmp_path / name)).path == tmp_path / name


def test_a_directive_that_stands_for_no_digits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^%b is not supported in a pattern of file names, only %Y %F %j %s %% %y"):
        FilePattern("eve-%d-%b.json")


def test_a_file_that_several_patterns_name_is_one_file(folder: Path) -> None:
    (folder / "eve.now.json").symlink_to(folder / "eve-2026-11-28.json")
    patterns = [FilePattern(str(folder / name)) for name in ("eve.*.json", "eve-2026*.json", "eve.1.json")]

    assert [path.name for path in existing_files(patterns)] == [
        *("eve.1.json", "eve.2.json", "eve.10.json", "eve-2026-11-28.json", "eve-2026-11-27.json")
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eve.json", "eve.json"),
        ("eve.json.1", "eve.json"),
        ("eve.json.12.gz", "eve.json"),
        ("eve.json.20261128", "eve.json.20261128"),
        ("eve-2026-11-28.json.xz", "eve-2026-11-28.json"),
        ("eve.1.json", "eve.1.json"),
        ("eve.1", "eve.1"),
    ],
)
def test_rotation_numbers_and_compression_are_taken_off_a_name(name: str, expected: str) -> None:
    assert base_log_path(Path("/var/log") / name) == Path("/var/log") / expected
