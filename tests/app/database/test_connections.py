"""The connections of the pool, and how a request leaves them."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session

from models.db import db
from models.read_only import READ_ONLY
from models.tenants.tenant import Tenant
from views.transaction import cross_tenant_session

QUESTION = text("SELECT pg_backend_pid()")
LOOK = text("SELECT 1")
WRITE = text("INSERT INTO tenant (id, name) VALUES ('T0000001', 'written')")
WRITTEN = text("SELECT count(*) FROM tenant WHERE id = 'T0000001'")


def end_connections(service_env) -> None:
    with psycopg.connect(service_env["SUPERUSER_URL"].replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'portal_app'"
        )


def test_connections_the_server_ended_are_replaced(context, service_env):
    with db.engine.connect() as one, db.engine.connect() as other:
        ended = {one.scalar(QUESTION), other.scalar(QUESTION)}
    end_connections(service_env)

    with db.engine.connect() as one, db.engine.connect() as other:
        assert not {one.scalar(QUESTION), other.scalar(QUESTION)} & ended


def test_pages_go_on_after_the_server_ended_its_connections(operator, service_env):
    assert operator.get("/customers/").status_code == 200
    end_connections(service_env)

    assert operator.get("/customers/").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_is_done_does_not_fail_with_its_connection(app, service_env, method):
    with app.test_request_context("/login/", method=method):
        app.preprocess_request()
        db.session.execute(LOOK)
        end_connections(service_env)

    with app.app_context():
        assert db.session.scalar(LOOK) == 1


def written(app) -> int:
    with app.app_context():
        return db.session.scalar(WRITTEN)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("statements", [[WRITE], [LOOK, WRITE, LOOK]], ids=["at once", "between"])
def test_what_a_request_wrote_and_did_not_commit_is_gone(app, method, statements):
    with app.test_request_context(method=method):
        for statement in statements:
            db.session.execute(statement)
        assert db.session.scalar(WRITTEN) == 1

    assert written(app) == 0


def test_so_is_what_it_was_about_to_write(app):
    with app.test_request_context():
        db.session.execute(LOOK)
        db.session.add(Tenant(id="T0000001", name="written"))

    assert written(app) == 0


def test_what_it_committed_stays(app):
    with app.test_request_context():
        db.session.execute(WRITE)
        db.session.commit()
        db.session.execute(LOOK)

    assert written(app) == 1


def connections(app) -> int:
    """Return the size of the pool, which hands its connections out in turn."""
    return app.config["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_request_with_a_safe_method_cannot_write(app, make, method):
    with app.test_request_context(method=method):
        app.preprocess_request()
        with pytest.raises(InternalError, match="read-only transaction"):
            db.session.execute(WRITE)
        crossing = cross_tenant_session("a test")
        with pytest.raises(InternalError, match="read-only transaction"):
            crossing.execute(WRITE)


def test_its_connection_can_write_afterwards(app):
    pages = app.test_client()
    for _ in range(connections(app) + 1):
        assert pages.get("/login/").status_code == 200

    with app.app_context(), db.engine.connect() as connection:
        connection.execute(WRITE)
        connection.commit()

    assert written(app) == 1


def test_statements_of_pages_stay_prepared(context):
    """psycopg forgets them at a ROLLBACK, with which SQLAlchemy ends the transactions of pages."""
    for _ in range(10 * connections(context)):
        with Session(db.engine, info=READ_ONLY) as session:
            session.execute(QUESTION)

    with db.engine.connect() as connection:
        prepared = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert QUESTION.text in prepared


def test_only_the_statement_that_identifies_the_user_keeps_its_plan(app, make, operator):
    """A plan for any values would read the alerts of whole months for a search."""
    customer = make.customer(tenant=operator.tenant)
    # The driver prepares a statement at its sixth time, and PostgreSQL plans it for its values another five times.
    for _ in range(15 * connections(app)):
        assert operator.get(f"/customers/{customer.id}/alerts/").status_code == 200

    with app.app_context(), ExitStack() as stack:
        opened = [stack.enter_context(db.engine.connect()) for _ in range(connections(app))]
        plans = text("SELECT statement, generic_plans FROM pg_prepared_statements")
        found = [row for connection in opened for row in connection.execute(plans)]
    of_identity = {bool(kept) for statement, kept in found if "user_session" in statement}
    of_alerts = {bool(kept) for statement, kept in found if "FROM alert" in statement}
    assert (of_identity, of_alerts) == ({True}, {False})


def test_a_failed_statement_leaves_a_usable_connection(context):
    with Session(db.engine, info=READ_ONLY) as session, pytest.raises(InternalError):
        session.execute(WRITE)

    with db.engine.connect() as connection:
        assert connection.scalar(LOOK) == 1
