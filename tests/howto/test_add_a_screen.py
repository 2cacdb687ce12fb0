"""docs/howto/add-a-screen.md works as it stands: its files make a working screen in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "howto" / "add-a-screen.md"
BLOCK = re.compile(
    r"^`(?P<path>[\w./-]+)`(?:, below `(?P<below>[^`\n]+)`|(?P<end>, at its end))?:\n\n```\w+\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# The folders __pycache__ are copied: compiling everything again takes seconds.
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "instance", ".*_cache", ".hypothesis", "node_modules", "samples")
MAX_SCREEN_LINES = 100


@dataclass(frozen=True)
class Block:
    """A piece of code of the guide.

    :ivar path: the file it makes or is put into.
    :ivar below: the line it is put below, empty for a new file.
    :ivar at_end: whether it is put at the end of the file.
    """

    path: str
    code: str
    below: str = ""
    at_end: bool = False

    @property
    def is_new(self) -> bool:
        return not self.below and not self.at_end

    def write(self, folder: Path) -> None:
        """Write it into a copy of the project."""
        path = folder / self.path
        if self.is_new:
            assert not path.exists(), f"{self.path} is there already: the guide needs another example."
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.code, encoding="utf-8")
            return
        text = path.read_text(encoding="utf-8")
        if self.at_end:
            path.write_text(f"{text.rstrip()}\n\n{self.code}", encoding="utf-8")
            return
        assert text.count(f"{self.below}\n") == 1, f"{self.path} has no line {self.below!r}: change the guide."
        path.write_text(text.replace(f"{self.below}\n", f"{self.below}\n{self.code}"), encoding="utf-8")


def blocks(guide: str) -> list[Block]:
    """Return the pieces of code in a guide."""
    return [
        Block(found["path"], found["code"], found["below"] or "", found["end"] is not None)
        for found in BLOCK.finditer(guide)
    ]


def numbered(block: Block, newest: int) -> Block:
    """Return a block in which the numbers of the example's migration come after the newest one."""
    if not block.path.startswith("migrations/"):
        return block
    following = {"0016": f"{newest:04}", "0017": f"{newest + 1:04}"}

    def renumber(text: str) -> str:
        return re.sub("|".join(following), lambda found: following[found[0]], text)

    return Block(renumber(block.path), renumber(block.code))


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module in the copy, with an environment in which nothing leads back to the project."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def guide() -> list[Block]:
    return blocks(GUIDE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(guide, tmp_path_factory) -> Path:
    """A copy of the project with the files of the guide."""
    folder = tmp_path_factory.mktemp("howto") / "portal"
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
    newest = max(int(path.name[:4]) for path in (folder / "migrations" / "versions").glob("[0-9]*.py"))
    for block in guide:
        numbered(block, newest).write(folder)
    catalogue = folder / "translations" / "ja" / "LC_MESSAGES" / "messages"
    compiled = run(folder, "babel.messages.frontend", "compile", "--use-fuzzy", "-d", "translations")
    assert compiled.returncode == 0, compiled.stderr
    assert catalogue.with_suffix(".mo").stat().st_mtime >= catalogue.with_suffix(".po").stat().st_mtime
    return folder


def test_the_screen_of_the_guide_does_all_that_a_screen_does(project):
    tests = (
        "tests/howto/seminars_in_use.py",
        "tests/views/seminars",
        "tests/conventions/screens",
        "tests/conventions/test_docstrings.py",
        "tests/conventions/test_messages.py",
    )
    chosen = "seminar or every_message or up_to_date or every_right"

    told = run(project, "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", "-k", chosen, *tests)

    assert told.returncode == 0, told.stdout[-8_000:] + told.stderr[-2_000:]


def test_the_code_of_the_guide_passes_the_linters(guide, project):
    files = [str(path.relative_to(project)) for path in project.rglob("*.py") if "seminars" in str(path)]
    assert len(files) >= sum(block.is_new for block in guide)

    for command in (("ruff", "format", "--check"), ("ruff", "check")):
        told = run(project, *command, *files)
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_guide_says_how_long_its_files_are(guide):
    lines = {block.path: block.code.count("\n") for block in guide if block.is_new}
    screen = lines["views/seminars/seminars.py"] + lines["views/seminars/__init__.py"]
    model, rules = lines["models/seminars/seminar.py"], lines["models/seminars/rules.py"]
    migration = lines["migrations/versions/0017_seminars.py"]

    assert (
        f"a model of {model} lines, rules of {rules}, a migration of {migration}, and {screen} lines for the screen"
        in GUIDE.read_text(encoding="utf-8")
    )
    assert screen <= MAX_SCREEN_LINES


def test_a_block_is_put_where_the_guide_says(tmp_path):
    (tmp_path / "old.py").write_text("one\ntwo\n")
    text = "Text.\n\n`a/new.py`:\n\n```python\nx = 1\n```\n\n`old.py`, below `one`:\n\n```python\nhalf\n```\n\n"
    text += "`old.py`, at its end:\n\n```python\nlast\n```\n"

    for block in blocks(text):
        block.write(tmp_path)

    assert (tmp_path / "a/new.py").read_text() == "x = 1\n"
    assert (tmp_path / "old.py").read_text() == "one\nhalf\ntwo\n\nlast\n"


def test_the_migration_of_the_guide_follows_the_newest_one():
    block = Block("migrations/versions/0017_seminars.py", 'revision = "0017"\ndown_revision = "0016"\n')

    assert numbered(block, 41) == Block(
        "migrations/versions/0042_seminars.py", 'revision = "0042"\ndown_revision = "0041"\n'
    )
