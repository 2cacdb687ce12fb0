"""A portal that reads from a standby of its database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import make_url

import config
from models.db import db
from models.utms.utm import Utm
from tests.support import cleaning, standby
from tests.support.alerts import NOW, store_named
from tests.support.standby import Pair


@pytest.fixture(scope="module")
def pair(servers, tmp_path_factory) -> Iterator[Pair]:
    template = make_url(servers["superuser"]).set(database="portal").render_as_string()
    with standby.pair(tmp_path_factory.mktemp("pair"), template) as running:
        yield running


@pytest.fixture(scope="module")
def env(pair, service_env) -> dict[str, str]:
    return service_env | {
        "DATABASE_URL": pair.primary.url("portal_app", "portal"),
        "DATABASE_OWNER_URL": pair.primary.url("portal_owner", "portal"),
        "SUPERUSER_URL": pair.primary.url("postgres", "portal"),
        "READ_DATABASE_URL": pair.standby.url("portal_app", "portal"),
    }


@pytest.fixture(scope="module")
def whole_app(env) -> Iterator[Flask]:
    from app import create_app

    app = create_app(config.load(env) | {"TESTING": True, "WTF_CSRF_ENABLED": False})
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["replica"].engine.dispose()
    cleaning.close()


@pytest.fixture
def app(whole_app, env, pair) -> Iterator[Flask]:
    cleaning.know(env)
    pair.catch_up()
    whole_app.extensions["replica"].forget_failures()
    yield whole_app
    cleaning.empty(env)


@pytest.fixture
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def replica(app):
    return app.extensions["replica"]


@pytest.fixture
def utm(operator, make, engine, pair) -> Utm:
    utm = make.customer_with_utm(operator.tenant, utm_id="a1b2c3d4e5f6", name="本社")[1]
    store_named(engine, utm, b={"msg": "Port scan"}, a={"alert_severity": "high"})
    pair.catch_up()
    return utm


@pytest.fixture
def other(signed_in, make, operator, pair):
    """Another operator of the same tenant."""
    client = signed_in(make.member(operator.tenant, "Partner Operator"), operator.tenant)
    pair.catch_up()
    return client


@pytest.fixture
def asked(engine, replica) -> Iterator[dict[str, list[str]]]:
    """The statements that the primary and the replica got."""
    found: dict[str, list[str]] = {"primary": [], "replica": []}
    listeners = []
    for name, each in (("primary", engine), ("replica", replica.engine)):

        def note(_connection, _cursor, statement, *_rest, kept=found[name]) -> None:
            kept.append(statement)

        event.listen(each, "before_cursor_execute", note)
        listeners.append((each, note))
    yield found
    for each, note in listeners:
        event.remove(each, "before_cursor_execute", note)
