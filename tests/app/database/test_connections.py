"""The connections of the pool, and how a request leaves them."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from models.db import db
from models.tenants.tenant import Tenant

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
