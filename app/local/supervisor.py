"""The portal's processes on one machine: started together, started again when one ends, stopped in order."""

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

#: Seconds before a process that ended is started again; doubled each time up to the last.
FIRST_DELAY = 1.0
LAST_DELAY = 30.0

#: A process that ran this many seconds is healthy: its delays start over.
HEALTHY_AFTER = 60.0

#: Seconds all processes together may take to end what they are doing before they are killed.
STOP_TIMEOUT = 5.0

#: Seconds between two looks at the processes.
POLL = 0.2


@dataclass
class Child:
    """One process of the portal."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    #: When to start it again, on the monotonic clock; None while it runs.
    due: float | None = field(default=None, repr=False)

    def start(self, root: Path, env: Mapping[str, str]) -> None:
        """Start it in the folder ``root``."""
        # SIGKILL: nothing that was confirmed is lost by it, and no process lingers without its database. The workers
        # of gunicorn see by themselves that their master is gone.
        self.process = start_child(self.command, death_signal=signal.SIGKILL, cwd=root, env=env)
        self.started = time.monotonic()
        self.due = None

    def wait(self) -> int:
        """Wait for its end and return its exit code; 0 when it was not started."""
        return self.process.wait() if self.process else 0

    @property
    def exit_code(self) -> int | None:
        """The exit code of a process that has ended, else None."""
        return self.process.poll() if self.process else None


@contextmanager
def stopping(*children: Child) -> Iterator[None]:
    """Stop the children that were started, in this order, when the block ends."""
    try:
        yield
    finally:
        stop(children)


def stop(children: Sequence[Child]) -> None:
    """Ask each child to end, wait a few seconds for all of them, and kill what is left with all it started."""
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
    """Start children again when they end, for ever.

    :param say: told in one line what happened.
    :raises ServiceError: PostgreSQL or Redis has ended; without them there is nothing to keep up.
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
    _kill_session(child.process)  # what it leaves behind, such as the workers of gunicorn, keeps the port
    if now - child.started > HEALTHY_AFTER:
        child.delay = FIRST_DELAY
    say(f"{child.name} ended unexpectedly ({describe(code)}); starting it again in {child.delay:.0f} s.")
    child.due = now + child.delay
    child.delay = min(child.delay * 2, LAST_DELAY)


def describe(code: int) -> str:
    """Name an exit code as ``subprocess`` gives it, in which a signal is a negative number."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
