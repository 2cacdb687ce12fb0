"""One PostgreSQL and one Redis for the whole run; a database of its own, cloned from a migrated one, per worker."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy.engine import make_url

from app.local.embedded import EmbeddedPostgres, EmbeddedRedis

ROOT = Path(__file__).parents[1]

pytest_plugins = ["tests.support.fixtures"]

# How fast examples come tells of what else the machine has to do, not of the code.
settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("portal")


class TestServers:
    """The servers of a run, started when the first test asks for them."""

    __test__ = False

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._env: dict[str, str] | None = None

    def env(self) -> dict[str, str]:
        """The URLs of the servers: of the superuser, of the migrated template and of Redis."""
        if self._env is None:
            folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="portal-tests-")))
            postgres = EmbeddedPostgres(folder / "postgres", durable=False)
            redis = EmbeddedRedis(folder / "redis", durable=False)
            for server in (postgres, redis):
                self._stack.callback(server.stop)
                server.start()
            self._env = {
                "superuser": postgres.url("postgres", "postgres"),
                "owner": postgres.url("portal_owner", "portal"),
                "app": postgres.url("portal_app", "portal"),
                "redis": redis.url(),
                "instance": str(folder / "instance"),
            }
            self._migrate()
        return self._env

    def _migrate(self) -> None:
        env = self._env
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", "portal", "upgrade"],
            cwd=ROOT,
            check=True,
            env=os.environ
            | {
                "DATABASE_URL": env["app"],
                "DATABASE_OWNER_URL": env["owner"],
                "REDIS_URL": env["redis"],
                "PORTAL_INSTANCE": env["instance"],
            },
        )

    def stop(self) -> None:
        self._stack.close()


_servers = TestServers()


def pytest_collection_finish() -> None:
    """Exempt what is loaded from garbage collection, which would otherwise take a twentieth of the processor time."""
    gc.collect()
    gc.freeze()


def pytest_configure_node(node) -> None:
    """Tell an xdist worker where the servers are; the controller starts them once for all."""
    node.workerinput["servers"] = _servers.env()


def pytest_unconfigure() -> None:
    _servers.stop()


@pytest.fixture(scope="session")
def servers(request) -> dict[str, str]:
    worker_input = getattr(request.config, "workerinput", None)
    return worker_input["servers"] if worker_input else _servers.env()


@pytest.fixture(scope="session")
def service_env(servers, worker_id, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of a portal on this worker's own database and Redis: for processes started by tests."""
    name = f"test_{worker_id}"
    number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw")) + 1
    superuser = make_url(servers["superuser"]).set(drivername="postgresql").render_as_string()
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER portal_owner TEMPLATE portal").format(sql.Identifier(name))
        )
    yield {
        "DATABASE_URL": _with_database(servers["app"], name),
        "DATABASE_OWNER_URL": _with_database(servers["owner"], name),
        "SUPERUSER_URL": _with_database(servers["superuser"], name),
        "REDIS_URL": servers["redis"].replace("db=0", f"db={number}"),
        "PORTAL_INSTANCE": str(tmp_path_factory.mktemp("instance")),
        # Tests do not wait for hashes of passwords.
        "PASSWORD_HASH_MEMORY_KIB": "16",
        "PASSWORD_HASH_PASSES": "1",
    }
    from tests.support import cleaning

    cleaning.close()
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def _whole_run_app(service_env) -> Iterator[Flask]:
    from app import create_app

    given = {name: os.environ.get(name) for name in service_env}
    os.environ.update(service_env)
    # Low enough to be reached quickly.
    limits = {"DEVICE_RATE_LIMIT": "60 per minute", "CUSTOMER_API_RATE_LIMIT": "60 per minute"}
    limits["SEARCH_RATE_LIMIT"] = "20 per minute"
    app = create_app({"TESTING": True, "WTF_CSRF_ENABLED": False} | limits)
    # A test is told of an error as a user is: by its page.
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    from models.db import db

    with app.app_context():
        db.engine.dispose()
    for name, value in given.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value


@pytest.fixture
def app(_whole_run_app, service_env) -> Iterator[Flask]:
    """The portal, as the app's role, on a database that is emptied after each test.

    No context is pushed: one around a whole test would be shared by its requests, with `g`, the database session and
    the signed-in user. A test that needs one asks for ``context`` and makes no requests.
    """
    from tests.support import cleaning

    cleaning.know(service_env)
    yield _whole_run_app
    cleaning.empty(service_env)


@pytest.fixture
def context(app) -> Iterator[Flask]:
    """The app with its context, as commands and jobs run in."""
    with app.app_context():
        yield app


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Instead of pytest-flask's: one context around a whole test makes two clients share `g` and the signed-in user."""


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
