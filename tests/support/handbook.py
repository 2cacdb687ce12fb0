"""The commands of docs/operations.md for backup and restore, and how tests run them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.documents.blocks import read
from tests.support.postgres_programs import postgres_program

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs" / "operations.md"


def commands(title: str) -> str:
    """Return the commands of the handbook that begin with a comment."""
    (found,) = (block.code for block in read(HANDBOOK, ROOT) if block.code.startswith(f"# {title}\n"))
    return found


def restoring(title: str) -> str:
    """Return such commands to be run outside the folder with the code, in the one with the dumps."""
    return replaced(commands(title), "--file=migrations/", f"--file={ROOT}/migrations/")


def run(script: str, folder: Path, *, host: str) -> None:
    """Run commands as the superuser of a database server."""
    env = {
        "PATH": f"{postgres_program('psql').parent}:{os.environ['PATH']}",
        "PGHOST": host,
        "PGPORT": "5432",
        "PGUSER": "postgres",
    }
    done = subprocess.run(["bash", "-euc", script], cwd=folder, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def replaced(text: str, old: str, new: str) -> str:
    """Replace a part that the text must have."""
    assert old in text
    return text.replace(old, new)
