"""A portal with two databases, in the place of the one with a single database for the fixtures of all tests.

With the environment variable ``CITUS_URL``, the alerts are distributed by Citus: the superuser's URLs of the coordinator and of
its workers, if it has any, separated by spaces (docs/scaling.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import make_url

import config
from models import clock
from models.actor import SYSTEM
from models.db import db
from models.utms import device_token
from tests.support import cleaning

ROOT = Path(__file__).parents[4]
NOW = clock.utc_now()


def of_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def on_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


CITUS = os.environ.get("CITUS_URL", "").split()


def on_alert_server(env: dict[str, str], database: str, user: str = "postgres") -> str:
    """Return the URL of a database on the server of the alerts, by default of its superuser."""
    return with_database(CITUS[0] if CITUS else env["SUPERUSER_URL"], database, user)


def with_database(server: str, database: str, user: str = "postgres") -> str:
    url = make_url(server).set(drivername="postgresql", database=database, username=user)
    return url.render_as_string(hide_password=False)


def distribute(database: str) -> None:
    """Prepare an empty database for Citus. A server alone has all shards; with workers, they have them."""
    for server in CITUS[1:]:
        with psycopg.connect(with_database(server, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    nodes = []
    for server in CITUS:
        with psycopg.connect(with_database(server, database), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION citus")
            nodes.append([connection.info.host, connection.info.port])
    with psycopg.connect(with_database(CITUS[0], database), autocommit=True) as connection:
        connection.execute("SELECT citus_set_coordinator_host(%s, %s)", nodes[0])
        for node in nodes[1:]:
            connection.execute("SELECT citus_add_node(%s, %s)", node)
        if not nodes[1:]:
            connection.execute("SELECT citus_set_node_property(%s, %s, 'shouldhaveshards', true)", nodes[0])


@pytest.fixture(scope="session")
def alert_env(service_env, worker_id) -> Iterator[dict[str, str]]:
    """The environment of a portal with two databases, the second made by ``flask portal upgrade``."""
    name = f"alerts_{worker_id}"
    env = service_env | {
        "ALERT_DATABASE_URL": on_driver(on_alert_server(service_env, name, "portal_app")),
        "ALERT_DATABASE_OWNER_URL": on_driver(on_alert_server(service_env, name, "portal_owner")),
    }
    with psycopg.connect(on_alert_server(service_env, "postgres"), autocommit=True) as connection:
        connection.execute((ROOT / "migrations" / "roles.sql").read_bytes())
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER portal_owner").format(sql.Identifier(name)))
        try:
            if CITUS:
                distribute(name)
            subprocess.run(
                [sys.executable, "-m", "flask", "--app", "app", "portal", "upgrade"],
                cwd=ROOT,
                check=True,
                env=os.environ | env,
            )
            yield env
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def two_database_app(alert_env):
    from app import create_app

    app = create_app(config.load(alert_env) | {"TESTING": True, "WTF_CSRF_ENABLED": False})
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def app(two_database_app, service_env, alert_database):
    """This portal in the place of the one with a single database, for the fixtures of all tests."""
    cleaning.know(service_env)
    yield two_database_app
    cleaning.empty(service_env)
    tables = ("alert", "alert_daily", "alert_mail_due", "threat_stat", "comparison_count", "comparison_month")
    alert_database.execute(f"TRUNCATE {', '.join(tables)}, comparison_participant")


@pytest.fixture(scope="module")
def alert_database(alert_env) -> Iterator[psycopg.Connection]:
    """A connection of the superuser to the database of the alerts."""
    name = make_url(alert_env["ALERT_DATABASE_URL"]).database
    with psycopg.connect(on_alert_server(alert_env, name), autocommit=True) as connection:
        yield connection


@pytest.fixture
def main_database(service_env) -> Iterator[psycopg.Connection]:
    with psycopg.connect(of_driver(service_env["SUPERUSER_URL"]), autocommit=True) as connection:
        yield connection


@pytest.fixture
def utm(make, operator):
    made = make.customer_with_utm(operator.tenant, name="本社", customer_email1="owner@customer.example")[1]
    made.created_at = NOW - timedelta(days=90)
    make.session.execute(text("UPDATE contract SET start_on = '2025-01-01', end_on = '2099-12-31'"))
    make.session.commit()
    return made


@pytest.fixture
def send(app, make):
    """Let a UTM send a body: ``send(utm, [line(...)])``."""
    tokens: dict[int, str] = {}

    def post(utm, lines, path="alerts"):
        if utm.id not in tokens:
            tokens[utm.id] = device_token.issue(make.session, utm, now=NOW, by=SYSTEM)
            make.session.commit()
        headers = {"Authorization": f"Bearer {tokens[utm.id]}"}
        return app.test_client().post(f"/api/device/v1/{path}", data=b"\n".join(lines), headers=headers)

    return post


@pytest.fixture
def down(alert_env):
    """Make the database of the alerts unavailable: ``with down():``."""
    name = make_url(alert_env["ALERT_DATABASE_URL"]).database
    server = psycopg.connect(on_alert_server(alert_env, "postgres"), autocommit=True)

    @contextmanager
    def unavailable():
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = 'portal_app'",
            [name],
        )
        try:
            yield
        finally:
            server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))

    with server:
        yield unavailable
