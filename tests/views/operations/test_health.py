"""Readiness during a rolling upgrade: what a process says of an older and of a newer database."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.engine import make_url

from views.operations.health import has_migrations


@pytest.mark.parametrize(
    ("revision", "ready"),
    [("0042", True), ("0043", True), ("9999", True), ("0041", False), ("0001", False), (None, False)],
)
def test_a_database_may_be_newer_than_the_process_but_not_older(revision, ready):
    assert has_migrations(revision, "0042") is ready


@pytest.mark.parametrize("revision", ["", "00430", "43", "-043", "f3a9", "0043\n", "００４３"])
def test_a_revision_that_is_not_one_of_the_portals_is_not_ready(revision):
    assert has_migrations(revision, "0042") is False


@pytest.fixture
def put_revision(app, service_env):
    """Write a revision into the database, as another version's upgrade does; put back at the end."""
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string()

    def put(revision: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [revision])

    yield put
    put(app.config["MIGRATION_HEAD"])


def test_readyz_tells_an_older_database_from_a_newer_one(client, put_revision):
    def migrations_in(revision: str) -> bool:
        put_revision(revision)
        return client.get("/readyz").json["checks"]["migrations"]

    assert migrations_in("0001") is False
    assert migrations_in("9999") is True


def test_the_present_database_is_ready(client):
    assert client.get("/readyz").json["checks"]["migrations"] is True
