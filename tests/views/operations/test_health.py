"""/readyz: what it reports of a database or a Redis that accepts no writes."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from sqlalchemy.engine import make_url

from app.local.embedded import EmbeddedRedis
from jobs import worker_liveness
from jobs.heartbeat import beat


@pytest.fixture
def checks(app):
    """What /readyz says, with its status: ``checks()["redis"]``."""

    def ask() -> dict[str, bool]:
        app.extensions["write_probe"]._good_until = 0.0
        answer = app.test_client().get("/readyz")
        assert answer.status_code == (200 if all(answer.json["checks"].values()) else 503)
        return answer.json["checks"]

    return ask


@pytest.fixture
def settings_of_role(app, service_env):
    """Change a setting of the database for the app's role: ``settings_of_role(temp_file_limit="0")``."""
    url = make_url(service_env["SUPERUSER_URL"])
    database = sql.Identifier(url.database)

    def renew() -> None:
        from models.db import db

        with app.app_context():
            db.engine.dispose()

    with closing(psycopg.connect(url.set(drivername="postgresql").render_as_string(), autocommit=True)) as connection:

        def change(**values: str) -> None:
            for name, value in values.items():
                connection.execute(
                    sql.SQL("ALTER ROLE portal_app IN DATABASE {} SET {} = {}").format(
                        database, sql.Identifier(name), sql.Literal(value)
                    )
                )
            renew()

        yield change
        connection.execute(sql.SQL("ALTER ROLE portal_app IN DATABASE {} RESET ALL").format(database))
    renew()


@pytest.fixture
def working(app):
    """A worker and a schedule that work."""
    connection = app.extensions["redis"]
    worker_liveness.record(connection, "one", since=worker_liveness.server_time(connection))
    with app.app_context():
        beat()


@pytest.mark.usefixtures("working")
def test_everything_is_ready(checks):
    assert checks() == dict.fromkeys(("database", "database_writes", "migrations", "redis", "schedule", "worker"), True)


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    "settings",
    [
        # Fails as a full disk does, where the server writes what it has no memory for.
        {"temp_file_limit": "0"},
        # As on a replica.
        {"default_transaction_read_only": "on"},
    ],
    ids=["full disk", "read-only"],
)
def test_a_database_that_accepts_no_writes_is_reported(checks, settings_of_role, settings):
    settings_of_role(**settings)

    found = checks()

    assert (found["database"], found["database_writes"]) == (True, False)


def test_the_disk_is_probed_once_in_a_while(app, statements):
    for _ in range(3):
        app.test_client().get("/readyz")

    assert sum("generate_series" in each for each in statements) <= 1


@pytest.fixture(scope="module")
def two_servers(tmp_path_factory):
    """Two Redis servers: of the portal, and the one that it becomes a replica of."""
    found = [EmbeddedRedis(tmp_path_factory.mktemp(name) / "redis", durable=False) for name in ("own", "other")]
    for server in found:
        server.start()
    yield found
    for server in found:
        server.stop()


@pytest.fixture
def own_redis(app, two_servers, monkeypatch):
    """The portal's Redis, which a test may change."""
    with Redis.from_url(two_servers[0].url()) as connection:
        monkeypatch.setitem(app.extensions, "redis", connection)
        yield connection
        connection.execute_command("REPLICAOF", "NO", "ONE")
        connection.config_set("maxmemory", 0)
        connection.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize(
    "command",
    [
        ("CONFIG", "SET", "maxmemory", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        # Of a server that is not there, as after the failure of the primary.
        ("REPLICAOF", "127.0.0.1", "1"),
    ],
    ids=["full memory", "no replica", "replica"],
)
def test_a_redis_that_refuses_writes_is_reported(checks, own_redis, command):
    before = checks()["redis"]
    own_redis.execute_command(*command)

    assert (before, own_redis.ping(), checks()["redis"]) == (True, True, False)
