"""A database that hangs keeps no request for long, and never the one that asks whether the process is alive."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import config
from app.database.timeouts import Connector, TimeoutConnection
from models.db import allow_long_statements, db
from tests.support.relay import Relay


@pytest.fixture
def relay(service_env) -> Iterator[Relay]:
    url = make_url(service_env["DATABASE_URL"])
    relay = Relay(f"{url.query['host']}/.s.PGSQL.{url.query['port']}")
    yield relay
    relay.close()


@pytest.fixture
def portal(relay, service_env):
    """Another portal, whose database may hang."""
    from app import create_app

    url = make_url(service_env["DATABASE_URL"]).set(host="127.0.0.1", port=relay.port, query={})
    settings = config.load(service_env | {"DATABASE_CONNECT_TIMEOUT": "2", "DATABASE_STATEMENT_TIMEOUT": "1"})
    app = create_app(settings | {"SQLALCHEMY_DATABASE_URI": url.render_as_string(hide_password=False)})
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    with app.app_context():
        db.engine.dispose()


def timed(call) -> tuple[int, float]:
    begun = time.monotonic()
    answer = call()
    return answer.status_code, time.monotonic() - begun


def ask(app):
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "somebody"
    return lambda: client.get("/customers/")


def test_a_database_that_takes_no_connection_is_given_up_and_not_asked_again_at_once(portal, relay):
    relay.hangs.set()
    page = ask(portal)

    first, second = timed(page), timed(page)

    assert first[0] == second[0] == 503
    assert 1.5 < first[1] < 5
    assert second[1] < 1


def test_a_database_that_hangs_later_is_given_up_too(portal, relay):
    page = ask(portal)
    assert timed(page)[0] == 302, "nobody of this session"
    relay.hangs.set()

    status, seconds = timed(page)

    assert (status, seconds < 8) == (503, True), seconds


def test_a_database_that_answers_again_is_used_again(portal, relay, monkeypatch):
    monkeypatch.setattr("app.database.timeouts.REFUSE_FOR", 0.0)
    page = ask(portal)
    relay.hangs.set()
    assert timed(page)[0] == 503
    relay.hangs.clear()

    assert timed(page)[0] == 302


def test_healthz_asks_nobody(portal, relay):
    relay.hangs.set()

    status, seconds = timed(lambda: ask(portal) and portal.test_client().get("/healthz"))

    assert (status, seconds < 1) == (200, True)


def test_a_statement_ends_after_its_time_and_its_connection_lives_on(portal):
    with portal.app_context(), db.engine.connect() as connection:
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.execute(text("SELECT pg_sleep(3)"))
        connection.rollback()

        assert connection.scalar(text("SELECT 41")) == 41


def test_a_download_may_take_longer(portal):
    with portal.app_context(), Session(db.engine) as session:
        allow_long_statements(session.connection(), seconds=30)
        session.execute(text("SELECT pg_sleep(2)"))
        session.commit()

        with pytest.raises(OperationalError, match="statement timeout"):
            session.execute(text("SELECT pg_sleep(3)"))


def test_a_server_that_does_not_end_a_statement_is_given_up(relay, service_env):
    url = make_url(service_env["DATABASE_URL"]).set(
        drivername="postgresql", host="127.0.0.1", port=relay.port, query={}
    )
    with TimeoutConnection.connect(url.render_as_string(), autocommit=True) as connection:
        connection.response_timeout = 1
        begun = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="does not answer"):
            connection.execute("SELECT pg_sleep(20)")

        assert (time.monotonic() - begun < 3, connection.closed) == (True, True)


def test_a_connection_that_was_refused_lets_the_next_one_try_at_once(service_env):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    engine = create_engine(f"postgresql+psycopg://nobody@127.0.0.1:{port}/portal")
    connector = Connector()
    event.listen(engine, "do_connect", connector.connect)
    for _ in range(2):
        with pytest.raises(OperationalError, match="refused"):
            engine.connect()
