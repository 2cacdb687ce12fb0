"""Where a run takes place: a copy of the benchmark's database, with the UTMs and the operators that use the portal.

The copy is dropped at the end, so that a run changes nothing of the data that is kept for the benchmarks.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from redis import Redis
from sqlalchemy.engine import make_url

from app.local.embedded import EmbeddedPostgres, EmbeddedServer
from app.local.launch import HOST
from config import ROOT
from models.tokens import hash_token
from tests.bench.datasets import Dataset, dataset
from tests.support.mail_sink import free_port
from tests.support.standby import Standby

DATABASE = "portal_load"
FIRMWARE = "load"
"""The version that the simulated UTMs report."""

_MORE_UTMS = """
INSERT INTO utm (tenant_id, customer_id, utm_id, serial, name, postcode, address, delivery_status, created_at)
SELECT tenant_id, customer_id, '02005e9' || lpad(to_hex(number), 5, '0'), 'MIMAMORI-LOAD-' || lpad(number::text, 6, '0'),
       '負荷拠点' || number, '060-0000', '北海道空見市若葉町1-1-1', '受領済', now() - interval '500 days'
FROM generate_series(1, %(missing)s) AS number
JOIN (SELECT tenant_id, id AS customer_id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS count
      FROM customer WHERE deleted_at IS NULL AND EXISTS (SELECT FROM utm WHERE utm.customer_id = customer.id))
    AS customer ON customer.place = number %% customer.count
"""
"""Only for customers who have UTMs: monthly reports of all earlier months would be issued for the others."""


@dataclass(frozen=True)
class SimulatedUtm:
    """A UTM with the token that it signs its calls with.

    :ivar id: the primary key of its row.
    """

    id: int
    token: str


@dataclass(frozen=True)
class Environment:
    """A portal's database and services, before its own processes are started.

    :ivar env: the environment of its processes.
    :ivar folder: for the logs and results of the run, which are kept until the next one.
    :ivar operators: the email addresses of users who sign in.
    :ivar servers: PostgreSQL and Redis.
    """

    env: dict[str, str]
    folder: Path
    utms: Sequence[SimulatedUtm]
    operators: Sequence[str]
    servers: Sequence[EmbeddedServer]

    def owner(self) -> psycopg.Connection:
        """Return a connection as the owner of the tables, past row-level security."""
        return psycopg.connect(_libpq(self.env["DATABASE_OWNER_URL"]), autocommit=True)


class Replica(Standby):
    """A standby of the environment's PostgreSQL, under a name of its own."""

    title = "replica"

    def _command(self) -> list[str]:
        # Not less than those of the primary, which are PostgreSQL's default.
        return [*super()._command(), "-c", "max_wal_senders=10"]


@contextmanager
def environment(size: str, *, utms: int, operators: int, replicated: bool = False) -> Iterator[Environment]:
    """Start the servers, copy the database of a size and drop the copy at the end.

    :param size: ``bench`` or ``large``.
    :param utms: how many UTMs have a token; they are created if the data has fewer.
    :param operators: how many users are created.
    :param replicated: whether there is a replica that the screens read from.
    """
    with dataset(size) as found:
        postgres = next(each for each in found.servers if isinstance(each, EmbeddedPostgres))
        if postgres.has_database(DATABASE):  # of a run that was killed
            postgres.drop_database(DATABASE)
        _copy(postgres)
        with Redis.from_url(found.env["REDIS_URL"]) as redis:
            redis.flushdb()  # the jobs of an earlier run
        try:
            ready = prepare(found, DATABASE, utms=utms, operators=operators)
            with _replica_of(ready, postgres) if replicated else nullcontext(ready) as complete:
                yield complete
        finally:
            if not postgres.running:
                postgres.stop()
                postgres.start()
            postgres.drop_database(DATABASE)


@contextmanager
def _replica_of(ready: Environment, postgres: EmbeddedPostgres) -> Iterator[Environment]:
    """Add a replica, which is copied anew, to an environment."""
    folder = Path(ready.env["PORTAL_INSTANCE"], "replica")
    shutil.rmtree(folder, ignore_errors=True)
    replica = Replica(folder, postgres)
    replica.start()
    try:
        env = ready.env | {"READ_DATABASE_URL": replica.url("portal_app", DATABASE)}
        yield replace(ready, env=env, servers=[*ready.servers, replica])
    finally:
        replica.stop()
        shutil.rmtree(folder, ignore_errors=True)


def prepare(found: Dataset, database: str, *, utms: int, operators: int) -> Environment:
    """Give the UTMs of a database their tokens, and create the operators.

    :param database: the name of a database that the run may change.
    """
    folder = Path(found.env["PORTAL_INSTANCE"], "load")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    env = found.env | {
        name: make_url(found.env[name]).set(database=database).render_as_string(hide_password=False)
        for name in found.env
        if name.endswith(("DATABASE_URL", "DATABASE_OWNER_URL"))
    }
    # Each operator has an address of its own, which a reverse proxy would forward.
    env |= {"PROXY_COUNT": "1", "MAIL_SERVER": HOST, "MAIL_PORT": str(free_port()), "MAIL_USE_TLS": "0"}
    # As in production: the benchmarks raise this limit.
    env.pop("DEVICE_RATE_LIMIT", None)
    people = _people(env, operators)
    with psycopg.connect(_libpq(env["DATABASE_OWNER_URL"]), autocommit=True) as owner:
        tokens = _utms(owner, utms)
    return Environment(env, folder, tokens, people, found.servers)


def _copy(postgres: EmbeddedPostgres) -> None:
    """Copy the files of the database: through the log, recovery after a kill would repeat the whole copy."""
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER portal_owner TEMPLATE portal STRATEGY FILE_COPY")


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _people(env: dict[str, str], count: int) -> list[str]:
    command = [sys.executable, "-m", "tests.load.people", str(count)]
    answer = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def _utms(owner: psycopg.Connection, count: int) -> list[SimulatedUtm]:
    """Return ``count`` UTMs, all of which have a new token and an address for mails about alerts."""
    (existing,) = owner.execute("SELECT count(*) FROM utm WHERE removed_at IS NULL").fetchone()
    if existing < count:
        owner.execute(_MORE_UTMS, {"missing": count - existing})
    rows = owner.execute(
        "SELECT tenant_id, id FROM utm WHERE removed_at IS NULL ORDER BY id LIMIT %s", [count]
    ).fetchall()
    owner.execute("UPDATE device_token SET revoked_at = now() WHERE revoked_at IS NULL")
    owner.execute("UPDATE utm SET customer_email1 = utm_id || '@example.jp' WHERE removed_at IS NULL")
    utms = [SimulatedUtm(key, f"utm_{secrets.token_hex(32)}") for _, key in rows]
    with owner.cursor() as cursor, cursor.copy("COPY device_token (tenant_id, utm_id, token_hash) FROM STDIN") as copy:
        for (tenant_id, key), utm in zip(rows, utms, strict=True):
            copy.write_row((tenant_id, key, hash_token(utm.token)))
    owner.execute("VACUUM (ANALYZE) utm, device_token")
    return utms
