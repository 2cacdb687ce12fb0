"""Fixtures most tests use: rows, and clients signed in as somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time
from functools import cache
from typing import Any

import pytest
import time_machine
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from app.web import proxy
from models import clock
from models.db import db
from models.mail.outbox import MailMessage
from tests.factories import PASSWORD, Make
from tests.support.days import TODAY


@pytest.fixture
def engine(app) -> Engine:
    """The engine of the app's role."""
    with app.app_context():
        return db.engine


@pytest.fixture
def on_today() -> Iterator[None]:
    """Let it be noon of ``TODAY`` in Tokyo, for tests that name days as the screens compute them."""
    with time_machine.travel(datetime.combine(TODAY, time(12), clock.TOKYO)):
        yield


@pytest.fixture
def make(engine) -> Iterator[Make]:
    """Factories that write rows of any tenant."""
    with Session(engine, info={"tenant_scope": "*"}, expire_on_commit=False) as session:
        yield Make(session)


@pytest.fixture
def in_tenant(engine) -> Callable[[str], Session]:
    """Open a session as the app has it inside a tenant: ``with in_tenant(tenant.id) as session``."""
    return lambda tenant_id: Session(engine, info={"tenant_scope": tenant_id})


@pytest.fixture
def behind(app, monkeypatch):
    """Put the portal behind so many proxies, and give a client of it."""
    bare = app.wsgi_app._application

    def of(count: int):
        monkeypatch.setitem(app.config, "PROXY_COUNT", count)
        monkeypatch.setattr(app, "wsgi_app", bare)
        proxy.init_app(app)
        return app.test_client()

    return of


@pytest.fixture
def signed_in(app, make) -> Callable[..., FlaskClient]:
    """A client whose session is a user's, in a tenant: ``signed_in(user, tenant)``."""

    def client_of(user: Any, tenant: Any = None) -> FlaskClient:
        client = app.test_client()
        token = make.session_token(user, tenant)
        with client.session_transaction() as session:
            session["_user_id"] = token
            session["_fresh"] = True
            session["_id"] = None
            if tenant is not None:
                session["tenant_id"] = tenant.id
        return client

    return client_of


@pytest.fixture
def operator(make, signed_in) -> FlaskClient:
    """An operator's client in a tenant of its own: ``client.user`` in ``client.tenant``."""
    tenant = make.tenant()
    user = make.member(tenant, "Partner Operator")
    client = signed_in(user, tenant)
    client.user, client.tenant = user, tenant
    return client


@pytest.fixture
def mails(make) -> Callable[[], list[MailMessage]]:
    """The messages of the outbox in the order in which they were written: ``mails()``."""

    def read() -> list[MailMessage]:
        make.session.rollback()
        return list(make.session.scalars(select(MailMessage).order_by(MailMessage.id)))

    return read


@cache
def weak_hash() -> str:
    """PASSWORD hashed at the least cost, lower than that of the app under test."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture
def statements(app, engine):
    """The statements sent to the database, as a list that grows."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
