"""The portal works through PgBouncer in transaction mode, where each transaction may be on another connection."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

import config
from app.database import role_settings
from jobs.mail import send_due
from models import clock
from models.actor import SYSTEM
from models.db import db
from models.mail.outbox import MailMessage
from models.utms import device_token
from tests.conventions.routes import Route, path, routes
from tests.factories import PASSWORD
from tests.support import cleaning
from tests.support.alerts import line
from tests.support.customer_form import CUSTOMER
from tests.support.fixtures import weak_hash
from tests.support.mail_sink import Sink, free_port, listening
from tests.support.pages import Page, answered
from tests.support.pgbouncer import PROGRAM, pgbouncer
from tests.support.standby import psycopg_url

SERVERS = 6
"""Some pages hold two connections, and three people open them: with fewer, each could wait for another's."""

MAIN = (".list", ".show", ".index", ".important", ".threats", ".average", ".utms")
"""The ends of the endpoints of the main pages: the others are forms and parts of pages."""


@pytest.fixture(scope="module")
def pooler(service_env) -> Iterator[URL]:
    if not Path(PROGRAM).exists():
        if os.environ.get("REQUIRE_PGBOUNCER"):
            pytest.fail(f"REQUIRE_PGBOUNCER is set, and there is no {PROGRAM}.")
        pytest.skip("PgBouncer is not on this machine")
    with pgbouncer(service_env["DATABASE_URL"], servers=SERVERS) as url:
        yield url


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with listening(Sink(free_port())) as found:
        yield found


@pytest.fixture(scope="module")
def whole_app(pooler, service_env, sink) -> Iterator[Flask]:
    from app import create_app

    settings = config.load(
        service_env
        | {
            "DATABASE_URL": pooler.render_as_string(hide_password=False),
            # Debian's PgBouncer is older than 1.21.
            "DATABASE_PREPARED_STATEMENTS": "0",
            "DATABASE_STATEMENT_TIMEOUT": "40",
            "MAIL_PORT": str(sink.port),
        }
    )
    app = create_app(settings | {"WTF_CSRF_ENABLED": False})
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        # As `flask portal upgrade` does.
        with db.engine.begin() as connection:
            role_settings.write(connection, app.config["DATABASE_SESSION_SETTINGS"])
        db.engine.dispose()
    with psycopg.connect(psycopg_url(service_env["SUPERUSER_URL"]), autocommit=True) as connection:
        # Connections that the pooler opened before have no defaults.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'portal_app'"
        )
        yield app
        connection.execute(f"ALTER ROLE portal_app IN DATABASE {pooler.database} RESET ALL")
    with app.app_context():
        db.engine.dispose()
    cleaning.close()


@pytest.fixture
def app(whole_app, service_env) -> Iterator[Flask]:
    cleaning.know(service_env)
    yield whole_app
    cleaning.empty(service_env)


def crawl(app: Flask, client, keys: dict, found: list[tuple[Route, int, str]], *, staff: bool) -> None:
    for route in routes(app):
        if route.method == "GET" and route.endpoint.endswith(MAIN) and route.rule.startswith("/staff") == staff:
            answer = client.get(path(app, route, keys))
            found.append((route, answer.status_code, answer.get_data(as_text=True)))


def test_every_page_answers_to_three_accounts_at_once_and_tenants_stay_apart(app, world, make, signed_in, pooler):
    theirs = signed_in(make.member(world.theirs.tenant, "Partner Operator"), world.theirs.tenant)
    readers = {
        "ours": (world.clients["Partner Operator"], world.ours, world.theirs),
        "theirs": (theirs, world.theirs, world.ours),
        "staff": (world.clients["NEC Staff"], world.ours, None),
    }
    pages: dict[str, list] = {name: [] for name in readers}
    threads = [
        threading.Thread(target=crawl, args=(app, client, own.keys(), pages[name]), kwargs={"staff": name == "staff"})
        for name, (client, own, _) in readers.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for name, (_, own, other) in readers.items():
        assert len(pages[name]) > 10
        failed = [(str(route), status) for route, status, _ in pages[name] if status >= 500]
        assert not failed, name
        assert any(own.customer.name in page for _, _, page in pages[name])
        if other is not None:
            # Identifiers are also examples beside fields.
            names = [each for each in other.names if each.startswith(other.customer.name[:3])]
            assert len(names) > 10
            assert not [(str(route), each) for route, _, page in pages[name] for each in names if each in page]


def test_what_people_utms_and_jobs_do_works(app, make, sink):
    tenant = make.tenant()
    make.member(tenant, "Partner Operator", email="one@example.jp", password=weak_hash())
    client = app.test_client()
    assert client.post("/login/", data={"email": "one@example.jp", "password": PASSWORD}).status_code == 302
    created = client.post("/customers/add", data=CUSTOMER)
    assert created.status_code == 302
    made = Page(client.get("/customers/").text)
    assert "株式会社あおぞら製作所" in made.main.text

    now = clock.utc_now()
    contract_line = make.contract_line(contract=make.contract(tenant=tenant))
    utm = make.utm(
        customer_row=contract_line.contract.customer, name="本社", last_seen_at=now, customer_email1="a@example.jp"
    )
    token = device_token.issue(make.session, utm, now=now, by=SYSTEM)
    make.session.commit()
    body = b"\n".join(line(number, at=now - timedelta(minutes=5), msg="Port scan") for number in range(20))
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().post("/api/device/v1/alerts", data=body, headers=headers).json["stored"] == 20
    alerts = f"/customers/{utm.customer_id}/alerts/"
    assert Page(client.get(alerts).text).column("UTM名") == ["本社"] * 20

    file = client.post(f"{alerts}download", data={"utm": utm.id})
    (name,) = (archive := zipfile.ZipFile(io.BytesIO(file.data))).namelist()
    assert archive.read(name).count(b"Port scan") == 20

    reboot = f"/customers/{utm.customer_id}/utms/{utm.id}/reboot"
    day = (clock.tokyo_day(now) + timedelta(days=1)).isoformat()
    order = Page(client.get(reboot).text).main_form.sent(way="later", day=day, time="03:00")
    assert client.post(reboot, data=answered(order)).status_code == 302

    with app.app_context():
        send_due()
    make.session.rollback()
    sent = make.session.execute(select(MailMessage.kind, MailMessage.state)).all()
    assert ("reboot_scheduled", "sent") in [tuple(each) for each in sent]
    assert "a@example.jp" in sink.recipients


def test_the_limits_of_the_settings_hold_though_the_pooler_ignores_them(app, engine):
    with Session(engine) as session:
        shown = {name: session.scalar(text(f"SHOW {name}")) for name in app.config["DATABASE_SESSION_SETTINGS"]}
        assert shown == {
            "statement_timeout": "40s",
            "idle_in_transaction_session_timeout": "5min",
            "random_page_cost": "1.1",
        }


def test_more_clients_than_connections_share_them(app, engine, pooler):
    clients = [engine.connect() for _ in range(SERVERS + 3)]
    servers = set()
    for client in clients:
        servers.add(client.scalar(text("SELECT pg_backend_pid()")))
        client.rollback()
    for client in clients:
        client.close()

    assert len(servers) <= SERVERS
