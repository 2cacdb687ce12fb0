"""Run the commands of a block as a reader does, and stop with Ctrl-C what runs in the background."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event

from tests.documents.blocks import Block
from tests.documents.environments import Environment
from tests.support.processes import eventually

TIMEOUT = 300.0
"""Seconds until a block must have ended, or be ready in the background."""

STOP_TIMEOUT = 60.0
"""Seconds in which a process must end after Ctrl-C."""

INTERRUPTED = {0, 2, 130, -signal.SIGINT}
"""Exit codes after Ctrl-C: 2 is make's, 130 and -2 those of programs and shells that were interrupted."""

_SHOWN = 4_000


class Failed(Exception):
    """The commands do not do what the document says; the message says what, and shows their output."""


class Cancelled(Failed):
    """A block was stopped because another one had failed."""


@dataclass
class Started:
    """A block in the background."""

    block: Block
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Press Ctrl-C, and wait for the end.

        :raises Failed: it had ended before, does not end or ends with an error.
        """
        early = self.process.poll()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise self._failed(f"did not end within {STOP_TIMEOUT:.0f} s after Ctrl-C") from None
        finally:
            self.kill()
        if early is not None:
            raise self._failed(f"ended with {early} before it was stopped")
        if code not in INTERRUPTED:
            raise self._failed(f"ended with {code} after Ctrl-C")

    def kill(self) -> None:
        """End whatever is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _failed(self, what: str) -> Failed:
        return failed(self.block, what, self.log)


def failed(block: Block, what: str, log: Path) -> Failed:
    """Return the error about a block, with the end of its output."""
    return Failed(f"{block.title}: {what}. Its output:\n{log.read_text(errors='replace')[-_SHOWN:]}")


def missing_program(block: Block, variables: Mapping[str, str]) -> str:
    """Return the reason not to run a block if the program that it names is not installed."""
    if not block.program or shutil.which(block.program, path=variables["PATH"]):
        return ""
    return f"{block.program} is not installed"


def run(block: Block, environment: Environment, project: Path, log: Path) -> Started | None:
    """Run a block.

    :param project: the folder to run it in.
    :param log: the file for its output.
    :returns: the process that continues to run in the background, if the block says so.
    :raises Failed: an error, a missing text in the output, or no end within ``TIMEOUT``.
    """
    process = _start(block, environment.variables(), project, log)
    started = Started(block, process, log)
    try:
        if block.background_until:
            _wait_until_ready(started, environment.port, environment.cancelled)
        else:
            _wait_until_ended(started, environment.cancelled)
        _check_output(block, log)
    except BaseException:
        started.kill()
        raise
    return started if block.background_until else None


def _start(block: Block, variables: Mapping[str, str], project: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            # A shell's job in the background ignores Ctrl-C, and so would all that it starts.
            ["env", "--default-signal=INT", block.language, "-eu", "-c", block.commands],
            cwd=project,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # As in a terminal of its own, where Ctrl-C reaches all its processes.
            start_new_session=True,
        )


def _wait_until_ended(started: Started, cancelled: Event) -> None:
    _wait(started, lambda: started.process.poll() is not None, cancelled)
    if code := started.process.returncode:
        raise failed(started.block, f"ended with {code}", started.log)


def _wait_until_ready(started: Started, port: int, cancelled: Event) -> None:
    target = started.block.background_until

    def ready() -> bool:
        if target.startswith("/"):
            return _answers(port, target)
        return target in started.log.read_text(errors="replace")

    def ready_or_ended() -> bool:
        return ready() or started.process.poll() is not None

    _wait(started, ready_or_ended, cancelled)
    if (code := started.process.poll()) is not None:
        raise failed(started.block, f"ended with {code}, although it should run in the background", started.log)


def _wait(started: Started, condition: Callable[[], bool], cancelled: Event) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not eventually(condition, seconds=0.5):
        if cancelled.is_set():
            raise Cancelled(f"{started.block.title}: stopped, because another block has failed.")
        if time.monotonic() > deadline:
            raise failed(started.block, f"took longer than {TIMEOUT:.0f} s", started.log)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _check_output(block: Block, log: Path) -> None:
    output = log.read_text(errors="replace")
    for text in block.prints:
        if text not in output:
            raise failed(block, f"did not print {text!r}", log)
