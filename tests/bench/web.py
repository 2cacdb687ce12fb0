"""Web servers as in production: gunicorn with two workers of four threads, on the loopback alone."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import ROOT
from tests.bench.datasets import Dataset
from tests.bench.timing import keepable, probe

WORKERS = 2
COMMAND = ("--worker-class", "gthread", "--workers", str(WORKERS), "--threads", "4", "--limit-request-line", "8190")
"""As README.md says."""

_APPS = {"portal": ("app:create_app()", "/healthz"), "stock": ("tests.bench.stock:create_app()", "/login/")}
_PATIENCE = 60


@dataclass(frozen=True)
class Web:
    """A running server.

    :ivar cookie: the session of somebody who is signed in, as the header says it.
    """

    port: int
    pid: int
    cookie: str

    def connect(self) -> http.client.HTTPConnection:
        """A connection of one's own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)

    def workers(self) -> list[int]:
        """The processes that answer."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


@keepable
@contextmanager
def gunicorn(dataset: Dataset, kind: str) -> Iterator[Web]:
    """Start a server and wait until it answers.

    :param kind: ``portal`` or ``stock``.
    """
    app, path = _APPS[kind]
    # gunicorn.conf.py is the portal's, and loads its models.
    settings = () if kind == "portal" else ("--config", os.devnull)
    with probe(kind, dataset.env) as asked:  # makes the stock user, before two workers do so at once
        cookie = asked.cookie
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                f"--bind=fd://{listener.fileno()}",
                "--log-level=error",
                *settings,
                *COMMAND,
                app,
            ],
            cwd=ROOT,
            env=dataset.env,
            pass_fds=[listener.fileno()],
        )
        try:
            web = Web(listener.getsockname()[1], process.pid, cookie)
            _wait(web, process, path)
            yield web
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _wait(web: Web, process: subprocess.Popen, path: str) -> None:
    """Until every worker is there and one of them has answered: requests wait in line before."""
    deadline = time.monotonic() + _PATIENCE
    while len(web.workers()) < WORKERS:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("gunicorn did not start; what it wrote is above.")
        time.sleep(0.05)
    connection = web.connect()
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    if status != 200:
        raise RuntimeError(f"{path} answered {status}.")
