"""``make smoke``: the portal starts, lets somebody in and does a job on every supported Python of this machine.

The tests run on one Python, that of the environment; this runs the rest of them. A machine with no other Python passes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.smoke import portal
from tests.smoke.interpreters import candidates, others


def main() -> int:
    """Check every other interpreter, and say how it went.

    :returns: 1 if one of them failed.
    """
    found = others(candidates(os.environ))
    if not found:
        _say(f"No supported Python other than {sys.version.split()[0]} is installed: nothing to check.")
    failed = [version for version, program in found.items() if not _passes(version, program)]
    return 1 if failed else 0


def _passes(version: tuple[int, int], program: str) -> bool:
    name = "Python {}.{}".format(*version)
    with TemporaryDirectory(prefix="portal-smoke-") as folder:
        try:
            portal.check(_environment(program, Path(folder, "venv")), Path(folder, "instance"))
        except (portal.Failed, OSError, subprocess.SubprocessError) as error:
            _say(f"{name}: {error}")
            return False
    _say(f"{name}: start, sign-in and a job work.")
    return True


def _environment(program: str, folder: Path) -> str:
    """Make an environment with the portal's packages; return its interpreter."""
    subprocess.run([program, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    options = ["--disable-pip-version-check", "--quiet", "--only-binary", ":all:", "--require-hashes"]
    subprocess.run(
        [python, "-m", "pip", "install", *options, "--requirement", "requirements.txt"], cwd=portal.ROOT, check=True
    )
    return python


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
