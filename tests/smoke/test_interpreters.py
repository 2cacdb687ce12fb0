"""Which interpreters are found; that the portal runs on them is checked by ``make smoke``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.smoke.interpreters import SUPPORTED, candidates, others, version_of
from tests.smoke.portal import hidden_fields

ROOT = Path(__file__).parents[2]


def interpreter(path: Path, version: str) -> str:
    """Make a program that answers as an interpreter of a version does; an empty one has no venv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n" if version else "#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    return str(path)


def test_each_other_supported_version_is_found_once(tmp_path):
    first = interpreter(tmp_path / "bin" / "python3.13", "3 13")
    interpreter(tmp_path / "bin" / "python3.12", "")
    interpreter(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin" / "python3.13", "3 13")
    second = interpreter(tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python3.12", "3 12")
    interpreter(tmp_path / "pyenv" / "versions" / "3.10.1" / "bin" / "python3.10", "3 10")
    interpreter(tmp_path / "bin" / "python3.11", "3 11")

    programs = candidates({"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path / "pyenv")})

    assert others(programs, (3, 11)) == {(3, 12): second, (3, 13): first}


def test_a_machine_with_no_other_python_has_nothing_to_check(tmp_path):
    assert candidates({"PATH": str(tmp_path), "HOME": str(tmp_path)}) == []
    assert others([]) == {}


def test_the_version_of_an_interpreter_is_read(tmp_path):
    assert version_of(sys.executable) == sys.version_info[:2]
    assert version_of(str(tmp_path / "missing")) is None


def test_the_project_names_the_supported_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert SUPPORTED == ((3, 11), (3, 12), (3, 13), (3, 14))
    assert project["requires-python"] == ">=3.11,<3.15"
    for document in ("README.md", "CONTRIBUTING.md"):
        assert "Python 3.11 to 3.14" in (ROOT / document).read_text()


@pytest.mark.parametrize("minor", [10, 11, 12, 13, 14, 15])
def test_make_takes_supported_versions_and_refuses_others(tmp_path, minor):
    stand_in = tmp_path / "python"
    # Runs the Makefile's check as if the version were another one, and makes no environment.
    stand_in.write_text(
        "#!/bin/sh\n"
        f'case "$1" in -c) exec "{sys.executable}" -c "import sys; sys.version_info = (3, {minor}, 0, \'final\', 0); $2";;\n'
        f"--version) echo Python 3.{minor}.0;; esac\n"
    )
    stand_in.chmod(0o755)

    venv = tmp_path / "venv"
    made = subprocess.run(
        ["make", f"VENV={venv}", f"PYTHON={stand_in}", f"{venv}/bin/python"],
        cwd=ROOT,
        # Without what a make that runs the tests passes on.
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        check=False,
    )

    if minor in range(11, 15):
        assert made.stdout == f"Creating {venv} with Python 3.{minor}.0.\n"
        assert made.returncode == 0
    else:
        assert re.match(r"Python 3\.11 to 3\.14 with venv is required, but none of these provides it: ", made.stderr)
        assert made.returncode == 2


def test_hidden_fields_of_a_page_are_read():
    page = '<input type="hidden" name="a" value="1"><input name="b" value="2"><input name="c" type="hidden" value="">'

    assert hidden_fields(page) == {"a": "1", "c": ""}
