"""``make documents``: run the shell commands of the documents in a copy of the project as a fresh clone has it.

CONTRIBUTING.md describes the comments that say how a block is run. Every block that is not run is listed with its reason.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from config import ROOT
from tests.documents.blocks import Block, BlockError, read
from tests.documents.environments import Demonstration, Environment, Production, copy_project
from tests.documents.running import Cancelled, Failed, Started, missing_program, run

TRANSLATION = "README.ja.md"
"""Its blocks are those of README.md, which tests/conventions/test_readme.py checks."""


def documents() -> list[Path]:
    """Return the documents in the order in which their commands are run."""
    first = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    return [*first, *sorted((ROOT / "docs").rglob("*.md"))]


def main(words: Sequence[str] | None = None) -> int:
    """Run the commands, and print how each went.

    :param words: the command's, ``sys.argv`` when not given.
    :returns: 1 if one of them failed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    names = _arguments(words).only
    chosen = [path for path in documents() if not names or str(path.relative_to(ROOT)) in names]
    began = time.monotonic()
    try:
        found = [block for path in chosen for block in read(path, ROOT) if block.is_shell]
        ran = _run_all(found)
    except (BlockError, Failed) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(f"{TRANSLATION}: not run, because it has the blocks of README.md.")
    _say(f"{ran} blocks were run and {len(found) - ran} were not, in {time.monotonic() - began:.0f} s.")
    return 0


def _run_all(found: Sequence[Block]) -> int:
    """Run blocks, those of the demonstration and of production at the same time; return how many were run.

    :raises Failed: one failed.
    """
    with TemporaryDirectory(prefix="portal-documents-", ignore_cleanup_errors=True) as name, ExitStack() as servers:
        folder = Path(name)
        project = folder / "project"
        copy_project(project)
        environments: list[Environment] = [Demonstration(project, folder / "demonstration")]
        if any(block.production for block in found):
            environments.append(Production(project, folder / "production", servers))
        threads = servers.enter_context(ThreadPoolExecutor(len(environments)))
        results = [
            threads.submit(
                _run_blocks, [block for block in found if block.production == bool(number)], environment, project
            )
            for number, environment in enumerate(environments)
        ]
        try:
            wait(results, return_when=FIRST_EXCEPTION)
        finally:
            # After an error in one of them, the other one ends too.
            if not all(result.done() for result in results):
                for environment in environments:
                    environment.cancelled.set()
        return sum(result.result() for result in sorted(results, key=_was_cancelled))


def _was_cancelled(result: Future[int]) -> bool:
    return isinstance(result.exception(), Cancelled)


def _run_blocks(found: Sequence[Block], environment: Environment, project: Path) -> int:
    """Run the blocks of an environment one after the other; return how many were run.

    :raises Failed: the first one that failed.
    """
    running: list[Started] = []
    ran = 0
    try:
        for block in found:
            if reason := block.reason or missing_program(block, environment.variables()):
                _say(f"{block.title}\n    not run: {reason}")
                continue
            began = time.monotonic()
            started = run(
                block, environment, project, project.with_name(f"{block.document}-{block.line}.log".replace("/", "-"))
            )
            ran += 1
            if started:
                running.append(started)
            _say(f"{block.title}\n    {'ready' if started else 'done'} after {time.monotonic() - began:.1f} s")
        while running:
            running.pop().stop()
    finally:
        for each in reversed(running):
            # The error that is reported is the first one.
            with suppress(Failed):
                each.stop()
    return ran


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.documents", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[],
        help="documents, separated by commas, such as README.md,docs/shipper.md",
    )
    return parser.parse_args(words)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
