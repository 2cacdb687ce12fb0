from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import event, text

from app.database import connection_pool
from models.db import db
from models.tenants.tenant import Tenant

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
    monkeypatch.setattr(connection_pool, "TRUSTED_SECONDS", 0.0)

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
    monkeypatch.setattr(connection_pool, "TRUSTED_SECONDS", 0.0)

    for _ in range(2):  # the second one lay in the pool
        with engine.connect() as connection:
            assert connection.scalar(QUESTION)


WRITE = text("INSERT INTO tenant (id, name) VALUES ('T0000001', 'written')")
WRITTEN = text("SELECT count(*) FROM tenant WHERE id = 'T0000001'")
LOOK = text("SELECT 1")


@pytest.fixture
def ends(app):
    """How the transactions of the pool end."""
    found = []
    with app.app_context():
        engine = db.engine
    notes = [(name, lambda *_, name=name: found.append(name)) for name in ("commit", "rollback")]
    for name, note in notes:
        event.listen(engine, name, note)
    yield found
    for name, note in notes:
        event.remove(engine, name, note)


def written(app) -> int:
    with app.app_context():
        return db.session.scalar(WRITTEN)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_request_that_only_looks_ends_with_commit(app, ends, method):
    with app.test_request_context(method=method):
        db.session.execute(LOOK)

    assert ends == ["commit"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("statements", [[WRITE], [LOOK, WRITE, LOOK]], ids=["at once", "between"])
def test_what_a_request_wrote_and_did_not_commit_is_gone(app, ends, method, statements):
    with app.test_request_context(method=method):
        for statement in statements:
            db.session.execute(statement)
        assert db.session.scalar(WRITTEN) == 1

    assert ends == ["rollback"]
    assert written(app) == 0


def test_so_is_what_it_was_about_to_write(app, ends):
    with app.test_request_context():
        db.session.execute(LOOK)
        db.session.add(Tenant(id="T0000001", name="written"))

    assert ends == ["rollback"]
    assert written(app) == 0


def test_a_request_that_fails_ends_with_rollback(app, ends):
    with app.test_request_context() as request:
        db.session.execute(LOOK)
        request.pop(LookupError())
        request.push()

    assert ends == ["rollback"]


def test_after_a_write_was_committed_a_request_that_looks_is_one_again(app, ends):
    with app.test_request_context():
        db.session.execute(WRITE)
        db.session.commit()
        db.session.execute(LOOK)

    assert ends == ["commit", "commit"]
    assert written(app) == 1


def test_who_a_request_is_from_is_planned_once_for_many(operator, app):
    for _ in range(3):
        assert operator.get("/tenants/").status_code == 200

    with app.app_context(), db.engine.connect() as connection:
        kept = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert [statement for statement in kept if "FROM ab_user" in statement]
    assert not [statement for statement in kept if "FROM alert" in statement]
