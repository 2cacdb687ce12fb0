"""What people type, and who they are, is in no line of the log, however verbose it is."""

from __future__ import annotations

import io
import json
import logging

import pytest

from app import logs
from app.background.worker import PortalJob, PortalWorker
from jobs import queues
from tests.support.fixtures import weak_hash

SECRETS = ("hanako", "かもめ", "0312345678", "03-1234-5678", "secret-word", "192.0.2.77", "山田")


@pytest.fixture
def written():
    """Everything that is logged, as the processes write it, from DEBUG up."""
    stream = io.StringIO()
    handler = logs.json_handler(stream)
    root = logging.getLogger()
    given = [(name, logging.getLogger(name).level) for name in ("", "flask_appbuilder", "flask-limiter")]
    # As in the processes, whose libraries are quiet and whose own lines are all wanted here.
    logging.getLogger("flask_appbuilder").setLevel(logging.WARNING)
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield stream.getvalue
    root.removeHandler(handler)
    for name, level in given:
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def clients(app, make, tenant, signed_in):
    """Somebody who is signed in, and nobody."""
    user = make.member(tenant, "Partner Operator", email="hanako@example.jp", last_name="山田", password=weak_hash())
    return signed_in(user, tenant), app.test_client()


def test_typical_requests_and_their_jobs_log_nothing_of_a_person(app, make, tenant, clients, written):
    signed_in, nobody = clients
    customer = make.customer(tenant=tenant, name="かもめ工業", contact_phone="03-1234-5678")
    from_there = {"environ_base": {"REMOTE_ADDR": "192.0.2.77"}, "headers": {"User-Agent": "hanako"}}

    statuses = [
        nobody.post(
            "/login/", data={"email": "hanako@example.jp", "password": "secret-word"}, **from_there
        ).status_code,
        nobody.post("/login/?next=/customers/hanako", data={"email": "hanako"}, **from_there).status_code,
        nobody.post("/forgotten-password/", data={"email": "hanako@example.jp"}, **from_there).status_code,
        nobody.get("/no-such-page/hanako?name=かもめ", **from_there).status_code,
        nobody.get(
            "/api/customer/v1/tenant",
            environ_base={"REMOTE_ADDR": "192.0.2.77"},
            headers={"Authorization": "Bearer secret-word"},
        ).status_code,
        signed_in.get("/customers/?name=かもめ&phone=0312345678", **from_there).status_code,
        signed_in.get(f"/customers/{customer.id}", **from_there).status_code,
        signed_in.get("/search/?q=hanako", **from_there).status_code,
        signed_in.post(
            "/customers/add", data={"name": "かもめ商事", "contact_phone": "0312345678", "x": "hanako"}, **from_there
        ).status_code,
        signed_in.post("/customers/かもめ/delete", **from_there).status_code,
        signed_in.post("/customers/add", data={"name": "hanako\0"}, **from_there).status_code,
    ]
    with app.app_context():
        waiting = [queues.queue(name) for name in queues.BY_URGENCY]
        queues.enqueue(queues.DEFAULT, "jobs.mail.sweep")
        PortalWorker(waiting, connection=waiting[0].connection, job_class=PortalJob).work(
            burst=True, logging_level="WARNING"
        )

    lines = written()
    assert max(statuses) < 500, statuses
    messages = [json.loads(line)["message"] for line in lines.splitlines()]
    assert messages.count("request") == len(statuses)
    assert "job done" in messages
    assert "mail sent" in messages
    found = {word: line for line in lines.splitlines() for word in SECRETS if word in line}
    assert found == {}


def test_an_error_logs_nothing_of_the_row_that_it_is_about(app, clients, written, monkeypatch):
    def fails(*_arguments, **_values):
        raise LookupError("hanako かもめ 03-1234-5678")

    signed_in, _ = clients
    endpoint, _ = app.url_map.bind("localhost").match("/customers/")
    monkeypatch.setitem(app.view_functions, endpoint, fails)

    status = signed_in.get("/customers/?name=かもめ").status_code

    lines = written()
    assert status == 500
    assert "LookupError at " in lines
    assert {word for word in SECRETS if word in lines} == set()


def test_a_job_that_is_called_with_values_and_fails_does_not_log_them(app, written):
    with app.app_context():
        waiting = queues.queue(queues.DEFAULT)
        # A job that no worker knows, with an argument: as after a downgrade.
        waiting.enqueue("jobs.gone.send", "hanako@example.jp", **queues.LIMITS)
        waiting.enqueue("jobs.mail.sweep", "secret-word", **queues.LIMITS)
        PortalWorker([waiting], connection=waiting.connection, job_class=PortalJob).work(
            burst=True, logging_level="WARNING"
        )

    lines = written()
    failed = [line for line in map(json.loads, lines.splitlines()) if line["message"] == "job not run"]
    assert [line["job"] for line in failed] == ["jobs.gone.send", "jobs.mail.sweep"]
    assert {word for word in SECRETS if word in lines} == set()
