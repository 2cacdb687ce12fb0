"""The portal's own processes, each of which can be killed and started again."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psutil

from app.local.embedded import EmbeddedPostgres, EmbeddedServer
from app.local.embedded.process import start_child
from app.local.launch import HOST
from app.local.supervisor import Child, stop
from config import ROOT
from tests.load.environment import Environment
from tests.support.mail_sink import free_port

START_TIMEOUT = 120.0

_APP = "app:create_app()"
_GUNICORN = ("--worker-class=gthread", "--threads=4", "--log-level=error", "--no-control-socket")


@dataclass
class LoggedChild(Child):
    """A process whose output is appended to a file.

    :ivar log: the file.
    """

    log: Path = Path("/dev/null")

    def start(self, root: Path, env: Mapping[str, str]) -> None:
        """Start the process in the folder ``root``."""
        with self.log.open("ab") as output:
            self.process = start_child(self.command, death_signal=signal.SIGKILL, cwd=root, env=env, output=output)


@dataclass
class Portal:
    """The running processes.

    :ivar ports: of the web processes.
    """

    environment: Environment
    ports: Sequence[int]
    children: dict[str, Child] = field(default_factory=dict)

    @cached_property
    def servers(self) -> dict[str, EmbeddedServer]:
        """PostgreSQL and Redis, by title."""
        return {each.title: each for each in self.environment.servers}

    def start(self, name: str) -> None:
        """Start a process or a server, and wait until it can be used.

        :param name: a key of ``children`` or ``servers``.
        """
        if name in self.servers:
            self.servers[name].stop()  # removes what a killed one left
            self.servers[name].start()
            return
        self.children[name].start(ROOT, self.environment.env)
        if name.startswith("web"):
            self._wait_for(self.ports[int(name[3:]) - 1])

    def kill(self, name: str) -> None:
        """End a process or a server with SIGKILL, with the processes that it started."""
        if name in self.servers:
            os.kill(self.servers[name].pid, signal.SIGKILL)
        else:
            os.killpg(self.children[name].process.pid, signal.SIGKILL)
            self.children[name].wait()

    def pids(self) -> dict[str, list[int]]:
        """Return the processes of each kind with those that they started: the workers of gunicorn, of PostgreSQL."""
        running = {name: child.process.pid for name, child in self.children.items() if child.process}
        running |= {name: server.pid for name, server in self.servers.items() if server.pid is not None}
        return {name: [pid, *_descendants(pid)] for name, pid in running.items()}

    @staticmethod
    def _wait_for(port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            connection = http.client.HTTPConnection(HOST, port, timeout=10)
            try:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"The web process on port {port} did not start; its log is in the folder of the run."
                )
            time.sleep(0.1)


@contextmanager
def portal(environment: Environment, *, webs: int, workers: int) -> Iterator[Portal]:
    """Run the portal's processes and a mail server.

    :param webs: how many gunicorns, each with a port of its own.
    :param workers: processes of each gunicorn, of four threads.
    """
    ports = [free_port() for _ in range(webs)]
    mails = python("tests.load.mails", environment.env["MAIL_PORT"], str(environment.folder / "mails"))
    commands: dict[str, Sequence[str]] = {
        "mail server": mails,
        **{
            f"web{number}": python("gunicorn", *_GUNICORN, f"--bind={HOST}:{port}", f"--workers={workers}", _APP)
            for number, port in enumerate(ports, start=1)
        },
        **{name: python("flask", "--app", "app", "portal", name) for name in ("worker", "cron")},
    }
    started = Portal(
        environment,
        ports,
        {
            name: LoggedChild(name, command, log=environment.folder / f"{name}.log")
            for name, command in commands.items()
        },
    )
    with ExitStack() as stack:
        stack.callback(lambda: stop(list(started.children.values())))
        for name in commands:
            started.start(name)
        yield started


def python(module: str, *words: str) -> list[str]:
    """Return the command that runs a module."""
    return [sys.executable, "-m", module, *words]


def largest_private_memory(pids: Sequence[int]) -> int:
    """Return the bytes that the largest of some processes has beside the memory that they share."""
    found = [_memory(pid) for pid in pids]
    return max((each.rss - each.shared for each in found if each), default=0)


def resident_memory(pid: int) -> int | None:
    """Return the bytes of a process in memory; None if it has ended."""
    found = _memory(pid)
    return found.rss if found else None


def is_postgres(name: str) -> bool:
    """Return whether a name of ``Portal.pids`` is that of the database."""
    return name == EmbeddedPostgres.title


def _memory(pid: int):
    try:
        return psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        return None


def _descendants(pid: int) -> list[int]:
    try:
        return [each.pid for each in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
