from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from app import connections
from models.db import db

QUESTION = text("SELECT pg_backend_pid()")


@pytest.fixture
def asked(context):
    """What the database is asked outside of SQLAlchemy's statements: the pings."""
    found = []
    dialect = db.engine.dialect
    do_ping = dialect.do_ping

    def counting(connection):
        found.append(connection)
        return do_ping(connection)

    # Connections that earlier tests left have been idle for who knows how long.
    db.engine.dispose()
    dialect.do_ping = counting
    yield found
    del dialect.do_ping
    db.engine.dispose()


def backend() -> int:
    with db.engine.connect() as connection:
        return connection.scalar(QUESTION)


def end_connections(service_env) -> None:
    with psycopg.connect(service_env["SUPERUSER_URL"].replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'portal_app'"
        )


def test_a_connection_used_a_moment_ago_is_taken_as_it_is(asked):
    first = backend()

    assert backend() == first
    assert asked == []


def test_a_connection_that_was_idle_for_long_is_asked_first(asked, monkeypatch):
    first = backend()
    monkeypatch.setattr(connections, "TRUSTED_SECONDS", 0.0)

    assert backend() == first
    assert len(asked) == 1


def test_connections_the_server_ended_are_replaced_unseen(asked, service_env):
    with db.engine.connect() as one, db.engine.connect() as other:
        ended = {one.scalar(QUESTION), other.scalar(QUESTION)}
    end_connections(service_env)

    with db.engine.connect() as one, db.engine.connect() as other:
        assert not {one.scalar(QUESTION), other.scalar(QUESTION)} & ended


def test_pages_go_on_after_the_server_ended_its_connections(operator, service_env):
    assert operator.get("/customers/").status_code == 200
    end_connections(service_env)

    assert operator.get("/customers/").status_code == 200


def test_a_connection_is_taken_outside_the_apps_context_too(app, engine, monkeypatch):
    monkeypatch.setattr(connections, "TRUSTED_SECONDS", 0.0)

    for _ in range(2):  # the second one lay in the pool
        with engine.connect() as connection:
            assert connection.scalar(QUESTION)
