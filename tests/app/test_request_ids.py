"""One ID from the proxy to the log of the worker and to the mail, and lines of a job that say which one they are of."""

from __future__ import annotations

import io
import json
import logging

import pytest
from sqlalchemy import select

from app import logs
from app.background.worker import PortalJob, PortalWorker
from jobs import queues
from jobs.job import job
from models import request_id
from models.audit import AuditEntry
from models.mail.outbox import MailMessage

ID = "from-the-proxy-1"


@pytest.fixture
def written():
    """The lines of the log from now on."""
    stream = io.StringIO()
    handler = logs.json_handler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def work(app):
    """Run the jobs that wait."""

    def run() -> None:
        with app.app_context():
            waiting = [queues.queue(name) for name in queues.BY_URGENCY]
            worker = PortalWorker(waiting, connection=waiting[0].connection, job_class=PortalJob)
            worker.work(burst=True, logging_level="WARNING")

    return run


@job()
def talks() -> None:
    """A job that logs a line of its own and fails."""
    logging.getLogger("portal.test").info("a line of the job")
    raise LookupError("hanako@example.jp")


def of_portal(lines: list[dict], *messages: str) -> list[dict]:
    return [line for line in lines if line["message"] in messages]


def test_a_request_its_job_its_mail_and_their_log_lines_have_one_id(app, make, written, work):
    user = make.member(make.tenant(), "Partner Operator", email="hanako@example.jp")

    app.test_client().post("/forgotten-password/", data={"email": user.email}, headers={"X-Request-ID": ID})
    work()

    mail = make.session.scalars(select(MailMessage)).one()
    lines = of_portal(written(), "request", "job done", "mail sent")
    assert {line["request_id"] for line in lines} == {ID}
    assert [line["message"] for line in lines[:2]] == ["request", "job done"]
    first = next(line for line in lines if line["message"] == "job done")
    assert (first["job"], first["outcome"]) == ("jobs.password_requests.answer_waiting", "done")
    assert first["ms"] >= 0
    assert mail.request_id == ID
    entries = make.session.scalars(select(AuditEntry.request_id).where(AuditEntry.action == "password.forgotten")).all()
    assert set(entries) <= {ID}
    # Written by the first job, and sent by the one that its commit enqueued.
    (sent,) = of_portal(lines, "mail sent")
    assert (sent["mail"], sent["kind"], sent["job"]) == (mail.id, mail.kind, "jobs.mail.send_due")
    assert [(line["job"], line["level"]) for line in of_portal(lines, "job done")] == [
        ("jobs.password_requests.answer_waiting", "INFO"),
        ("jobs.mail.send_due", "INFO"),
    ]
    assert "hanako" not in json.dumps(lines)


def test_each_line_of_a_job_says_which_job_it_is_of(app, written, work):
    with app.app_context():
        request_id.enter(ID)
        queued = queues.enqueue(queues.URGENT, f"{__name__}.talks")
        request_id.enter(None)
    work()

    lines = of_portal(written(), "a line of the job", "job failed")
    assert [(line["job_id"], line["request_id"]) for line in lines] == [(queued.id, ID)] * 2
    assert {line["job"] for line in lines} == {f"{__name__}.talks"}
    assert [line.get("outcome") for line in lines] == [None, "failed"]
    assert "hanako" not in json.dumps(lines)


def test_a_job_of_the_schedule_has_no_request(app, written, work):
    with app.app_context():
        queued = queues.enqueue(queues.URGENT, "jobs.heartbeat.beat")
    work()

    (line,) = of_portal(written(), "job done")
    assert (line["job"], line["job_id"]) == ("jobs.heartbeat.beat", queued.id)
    assert "request_id" not in line
    assert line["level"] == "DEBUG"
    assert queued.meta == {}


def test_the_id_ends_with_the_request_and_with_the_job(app, work):
    app.test_client().get("/healthz", headers={"X-Request-ID": ID})
    after_request = request_id.current()
    with app.app_context():
        request_id.enter(ID)
        queues.enqueue(queues.URGENT, "jobs.heartbeat.beat")
        request_id.enter(None)
    work()

    assert (after_request, request_id.current()) == (None, None)
