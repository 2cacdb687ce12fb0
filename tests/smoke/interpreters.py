"""Find the Python interpreters of this machine that the portal supports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

SUPPORTED = ((3, 11), (3, 12), (3, 13), (3, 14))
"""The versions of Python that the portal supports; the Makefile and pyproject.toml name the same."""

# An environment needs both modules; Debian has them in a package of their own.
_PROBE = "import ensurepip, sys, venv; print(*sys.version_info[:2])"


def candidates(environ: Mapping[str, str]) -> list[str]:
    """Return the programs that may be an interpreter: those on the PATH, and those installed by pyenv.

    :param environ: the environment with PATH, HOME and PYENV_ROOT.
    """
    names = [f"python{major}.{minor}" for major, minor in SUPPORTED]
    on_path = [found for name in names if (found := shutil.which(name, path=environ.get("PATH", "")))]
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/"), ".pyenv"))
    # pyenv's own commands on the PATH run only the version that is chosen at present.
    by_pyenv = [str(path) for name in names for path in sorted(root.glob(f"versions/*/bin/{name}"))]
    return [*on_path, *by_pyenv]


def version_of(program: str) -> tuple[int, int] | None:
    """Return the version of an interpreter; None if it does not run or cannot make environments."""
    try:
        answer = subprocess.run(
            [program, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=30
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return None
    return int(answer[0]), int(answer[1])


def others(programs: Iterable[str], own: tuple[int, int] = sys.version_info[:2]) -> dict[tuple[int, int], str]:
    """Return one interpreter for each supported version other than ``own``.

    :param programs: the candidates, in the order of preference.
    """
    found: dict[tuple[int, int], str] = {}
    for program in programs:
        version = version_of(program)
        if version in SUPPORTED and version != own:
            found.setdefault(version, program)
    return dict(sorted(found.items()))
