"""Debian's PgBouncer in transaction mode in front of a database, for tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.support.mail_sink import free_port
from tests.support.processes import eventually

PROGRAM = "/usr/sbin/pgbouncer"

SETTINGS = """
[databases]
{database} = host={host} port={port} dbname={database}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {servers}
ignore_startup_parameters = options
logfile = {folder}/pgbouncer.log
{user}
"""


@contextmanager
def pgbouncer(database_url: str, *, servers: int) -> Iterator[URL]:
    """Run PgBouncer; return the URL of the database through it.

    :param database_url: the URL of the database, on a Unix socket.
    :param servers: the number of connections to the server that all clients share.
    """
    url = make_url(database_url)
    owner = pwd.getpwuid(Path(url.query["host"]).stat().st_uid)
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="portal-pgbouncer-"))
    try:
        text = SETTINGS.format(
            database=url.database,
            host=url.query["host"],
            port=url.query["port"],
            listen_port=port,
            folder=folder,
            servers=servers,
            # It refuses to run as root, and the socket is its owner's.
            user=f"user = {owner.pw_name}" if os.geteuid() == 0 else "",
        )
        (folder / "pgbouncer.ini").write_text(text)
        (folder / "users.txt").write_text(f'"{url.username}" ""\n')
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, owner.pw_uid, owner.pw_gid)
        with _running([PROGRAM, "-q", str(folder / "pgbouncer.ini")], port, folder / "pgbouncer.log"):
            yield url.set(host="127.0.0.1", port=port, query={})
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    process = subprocess.Popen(command)
    try:
        answers = eventually(lambda: process.poll() is not None or _listens(port), seconds=30)
        assert answers, "PgBouncer does not listen."
        assert process.poll() is None, log.read_text() if log.exists() else "PgBouncer ended."
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
