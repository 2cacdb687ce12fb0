"""Supervise the portal's processes on one machine: start them together, restart them, stop them in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.local.embedded import ServiceError, Services
from app.local.embedded.process import start_child

#: Seconds before an ended process is restarted; doubled each time up to the last.
FIRST_DELAY = 1.0
LAST_DELAY = 30.0

#: Seconds after which a running process counts as healthy, so that its delay is reset.
HEALTHY_AFTER = 60.0

#: Seconds in which all processes together must end before they are killed.
STOP_TIMEOUT = 5.0

#: Seconds between two checks of the processes.
POLL = 0.2


@dataclass
class Child:
    """A process of the portal."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    #: When to restart it, on the monotonic clock; None while it runs.
    due: float | None = field(default=None, repr=False)

    def start(self, root: Path, env: Mapping[str, str]) -> None:
        """Start the process in the folder ``root``."""
        # SIGKILL, because it loses nothing that was confirmed, and no process outlives its database. The workers of
        # gunicorn notice the death of their master by themselves.
        self.process = start_child(self.command, death_signal=signal.SIGKILL, cwd=root, env=env)
        self.started = time.monotonic()
        self.due = None

    def wait(self) -> int:
        """Wait for the process to end and return its exit code; 0 if it was not started."""
        return self.process.wait() if self.process else 0

    @property
    def exit_code(self) -> int | None:
        """The exit code if the process has ended, otherwise None."""
        return self.process.poll() if self.process else None


@contextmanager
def stopping(*children: Child) -> Iterator[None]:
    """Stop the started children, in this order, when the block ends."""
    try:
        yield
    finally:
        stop(children)


def stop(children: Sequence[Child]) -> None:
    """Ask each child to end, wait a few seconds for all of them, and kill the rest with their child processes."""
    processes = [child.process for child in children if child.process]
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        _kill_session(process)
        process.wait()


def watch(
    children: Sequence[Child], services: Services, root: Path, env: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Restart children whenever they end. It does not return.

    :param say: called with a one-line message for each restart.
    :raises ServiceError: PostgreSQL or Redis has ended, which the portal cannot do without.
    """
    while True:
        if failed := services.failed():
            raise ServiceError(failed.problem())
        for child in children:
            _keep_up(child, root, env, say)
        time.sleep(POLL)


def _keep_up(child: Child, root: Path, env: Mapping[str, str], say: Callable[[str], None]) -> None:
    now = time.monotonic()
    if child.due is not None:
        if now >= child.due:
            child.start(root, env)
        return
    if child.process is None or (code := child.exit_code) is None:
        return
    _kill_session(child.process)  # its children, such as the workers of gunicorn, would keep the port
    if now - child.started > HEALTHY_AFTER:
        child.delay = FIRST_DELAY
    say(f"{child.name} ended unexpectedly ({describe(code)}); starting it again in {child.delay:.0f} s.")
    child.due = now + child.delay
    child.delay = min(child.delay * 2, LAST_DELAY)


def describe(code: int) -> str:
    """Describe an exit code of ``subprocess``, where a negative number is a signal."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
