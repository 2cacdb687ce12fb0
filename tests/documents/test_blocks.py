"""How the blocks of a document are found and what the comments before them mean; `make documents` runs the commands."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from config import ROOT
from tests.documents.__main__ import documents
from tests.documents.blocks import BlockError, blocks, read
from tests.documents.environments import copy_project
from tests.documents.running import Failed, missing_program, run
from tests.support.processes import eventually


def only(text: str):
    (block,) = blocks(text, "page.md")
    return block


def ran(block, folder, **variables):
    """Run a block in a folder."""
    variables = {"PATH": "/usr/bin:/bin"} | variables
    environment = SimpleNamespace(port=1, cancelled=Event(), variables=lambda: variables)
    return run(block, environment, folder, folder / "log")


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_blocks_of_a_document_follow_the_convention(document):
    shells = [block for block in read(document, ROOT) if block.is_shell]

    for block in shells:
        check = subprocess.run(
            [block.language, "-n", "-c", block.commands], capture_output=True, text=True, check=False
        )
        assert check.returncode == 0, f"{block.title}: {check.stderr}"


def test_the_comments_before_a_block_say_how_it_is_run():
    text = (
        "Text.\n\n"
        '   <!-- run: with "utm_..." as "$UTM_TOKEN" -->\n'
        '   <!-- run: prints "stored" -->\n'
        "   <!-- run: in production -->\n\n"
        '   <!-- run: where "nginx" is installed -->\n'
        "   ```sh\n   # Send.\n   send utm_... \\\n       again\n   ```\n"
    )

    block = only(text)

    assert (block.line, block.code) == (9, "# Send.\nsend utm_... \\\n    again\n")
    assert block.commands == "# Send.\nsend $UTM_TOKEN \\\n    again\n"
    assert (block.prints, block.production, block.program) == (("stored",), True, "nginx")
    assert block.title == "page.md:9 send utm_... \\"


def test_a_block_in_the_background_says_when_it_is_ready():
    assert only('<!-- run: background until "is ready" -->\n```sh\nrun\n```\n').background_until == "is ready"
    assert only("<!-- run: background until /readyz -->\n```bash\nrun\n```\n").background_until == "/readyz"


def test_a_block_that_is_not_run_says_why():
    assert only("<!-- not run: it takes an hour -->\n```sh\nrun\n```\n").reason == "it takes an hour"


def test_only_shell_commands_are_run():
    found = blocks("```python\nx = 1\n```\n\n```sh\ntrue\n```\n\n```text\nrun\n```\n", "page.md")

    assert [block.is_shell for block in found] == [False, True, False]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<!-- run: somehow -->\n```sh\nrun\n```\n", "page.md:1: 'somehow' is unknown"),
        ("<!-- not run: -->\n```sh\nrun\n```\n", "page.md:1: say why the block is not run"),
        ("<!-- run: in production -->\nText.\n", "page.md:2: a comment says how to run a block, but there is none"),
        ("<!-- run: in production -->\n", "a comment at the end says how to run a block"),
        ("<!-- run: in production -->\n```text\nrun\n```\n", "page.md:3: .* not marked as sh"),
        ('<!-- run: with "old" as "new" -->\n```sh\nrun\n```\n', "page.md:3: the block does not contain 'old'"),
        ("```\nrun\n```\n", "page.md:1: name the language"),
        ("```sh\nrun\n", "page.md:1: the block does not end"),
        ("Text.\n\n    run\n", "page.md:3: put the block between"),
    ],
)
def test_what_does_not_follow_the_convention_is_told_with_its_line(text, told):
    with pytest.raises(BlockError, match=told):
        blocks(text, "page.md")


def test_lists_and_other_comments_are_no_blocks():
    assert blocks("1. One.\n\n    - two\n\n<!-- A note\n\n    about it. -->\n", "page.md") == []


def test_commands_are_run_with_the_values_and_variables_of_the_run(tmp_path):
    block = only('<!-- run: prints "<stored>" -->\n<!-- run: with "X" as "$NAME" -->\n```sh\necho "<X>" >&2\n```\n')

    assert ran(block, tmp_path, NAME="stored") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```sh\nfalse\ntrue\n```\n", "page.md:2 false: ended with 1"),
        ('<!-- run: prints "stored" -->\n```sh\necho lost\n```\n', "did not print 'stored'. Its output:\nlost"),
        ('<!-- run: background until "ready" -->\n```sh\necho lost\n```\n', "although it should run in the background"),
    ],
)
def test_a_block_that_does_something_else_than_the_document_says_fails(tmp_path, text, told):
    with pytest.raises(Failed, match=told):
        ran(only(text), tmp_path)


def test_a_program_in_the_background_is_stopped_with_all_its_processes(tmp_path):
    text = '<!-- run: background until "ready" -->\n```sh\nsleep 300 &\necho $! >child\necho ready\nwait\n```\n'

    started = ran(only(text), tmp_path)
    child = int((tmp_path / "child").read_text())
    started.stop()

    assert started.process.returncode in {130, -signal.SIGINT}
    assert eventually(lambda: not Path(f"/proc/{child}").exists())


def test_a_block_is_not_run_without_the_program_that_it_names():
    block = only('<!-- run: where "no-such-program" is installed -->\n```sh\nrun\n```\n')

    assert missing_program(block, {"PATH": "/usr/bin"}) == "no-such-program is not installed"


def test_the_copy_of_the_project_is_that_of_a_clone_with_this_environment(tmp_path):
    project = tmp_path / "project"
    copy_project(project)

    assert (project / "README.md").read_bytes() == (ROOT / "README.md").read_bytes()
    assert not (project / ".git").exists()
    assert not (project / "instance").exists()
    assert (project / ".venv").readlink() == Path(sys.prefix)
    # Older than any environment, so that make installs nothing.
    assert (project / "requirements-dev.txt").stat().st_mtime == 0


def test_documents_can_be_selected():
    told = subprocess.run(
        [sys.executable, "-m", "tests.documents", "--only", "CONTRIBUTING.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    assert "not run: README.md has the same commands" in told.stdout
