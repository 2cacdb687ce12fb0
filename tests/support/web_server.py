"""gunicorn as a process of its own, on a free port of this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import eventually

ROOT = Path(__file__).parents[2]
COMMAND = (
    "--worker-class=gthread",
    "--workers=1",
    "--threads=4",
    "--log-level=warning",
    "--no-control-socket",
    "--graceful-timeout=3",
)


class WebServer:
    """A running web process.

    :ivar url: its root.
    """

    def __init__(self, port: int, written: Path, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._written = written
        self._process = process

    def lines(self) -> list[dict]:
        """Return what it has logged."""
        return [json.loads(line) for line in self._written.read_text("utf-8").splitlines()]

    def wait(self) -> None:
        """Wait until it answers."""
        assert eventually(lambda: self._process.poll() is not None or self._answers(), seconds=90)
        assert self._process.poll() is None, self._written.read_text("utf-8")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=30) as answer:
                return answer.status == 200
        except OSError:
            return False


@contextmanager
def web_server(env: Mapping[str, str], log: Path, *, code: Path = ROOT) -> Iterator[WebServer]:
    """Start a web process; ``wait()`` tells when it answers.

    :param env: what it gets besides the environment of the tests.
    :param log: the file that it writes.
    :param code: the folder of the portal's code.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", f"--bind=fd://{listener.fileno()}", *COMMAND, "app:create_app()"],
            cwd=code,
            env={**os.environ, **env},
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
        port = listener.getsockname()[1]
        listener.close()
        try:
            yield WebServer(port, log, process)
        finally:
            process.terminate()
            process.wait(40)
