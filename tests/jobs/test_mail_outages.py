"""No outage loses a message: a worker killed at any step, Redis stopped or emptied, a mail server that comes and goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from redis import Redis
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.mail import BATCH, send_due, sweep
from models.db import db
from models.mail import outbox
from models.mail.outbox import MailMessage
from models.scope import all_tenants
from tests.support.mail_sink import Sink, free_port, listening
from tests.support.processes import eventually

pytestmark = pytest.mark.usefixtures("context")

ROOT = Path(__file__).parents[2]
RECIPIENTS = ["one@example.jp", "two@example.jp"]
LOCKED = {"Email": "hanako@example.jp", "PortalUrl": "https://portal.example.jp"}


@pytest.fixture
def sink(app, monkeypatch):
    sink = Sink(free_port())
    state = app.extensions["mail"]
    for name, value in {"server": "127.0.0.1", "port": sink.port, "suppress": False}.items():
        monkeypatch.setattr(state, name, value)
    with listening(sink):
        yield sink


@pytest.fixture
def dying_sender(app, service_env, sink):
    """Send in another process until a step: ``dying_sender(7)``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.dying_sender", str(sink.port)],
        cwd=ROOT,
        env=os.environ | service_env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def send_until(step: int) -> dict:
        process.stdin.write(f"{step}\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield send_until
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


def write(*recipients: str) -> None:
    with Session(db.engine) as session, session.begin():
        outbox.write(session, "account_locked", recipients, LOCKED, now=datetime.now(UTC))


def states() -> Counter:
    with all_tenants(reason="a test looks") as session:
        return Counter(session.scalars(select(MailMessage.state)))


def end_leases() -> None:
    """Let the time of a claim be over."""
    with all_tenants(reason="a test lets time pass") as session:
        # Rows that a living worker holds are left alone: waiting for two of them in another order would be a deadlock.
        free = select(MailMessage.id).with_for_update(skip_locked=True)
        session.execute(update(MailMessage).where(MailMessage.id.in_(free)).values(lease_until=datetime.now(UTC)))
        session.commit()


def send_the_rest() -> None:
    """Send what a killed worker left, once the database has noticed its end and released its rows."""
    for _ in range(100):
        end_leases()
        send_due()
        if states().keys() == {"sent"}:
            return
        time.sleep(0.1)


def test_a_worker_killed_at_any_step_loses_nothing_and_doubles_only_what_was_not_yet_noted(sink, dying_sender):
    steps = []
    while not steps or steps[-1][0]["killed"]:
        sink.raw.clear()
        write(*RECIPIENTS)

        ended = dying_sender(len(steps) + 1)
        send_the_rest()

        copies = Counter(message["Message-ID"] for message in sink.messages)
        assert {message["To"] for message in sink.messages} == set(RECIPIENTS), f"{ended}: one is lost"
        assert states().keys() == {"sent"}, ended
        steps.append((ended, copies.total() - len(RECIPIENTS)))

    assert steps[-1] == ({"step": "", "killed": False, "code": 0}, 0)
    # The one honest exception: when the server has the whole message, and until the commit that notes it, a second copy
    # comes with the same Message-ID (there are as many IDs as messages, whatever happens).
    doubled = Counter(ended["step"] for ended, copies in steps if copies)
    assert {copies for _, copies in steps} == {0, 1}
    noting = {f"{when} {what}" for when in ("before", "after") for what in ("SELECT", "UPDATE", "WITH", "COMMIT")}
    assert doubled.keys() <= {"after bytes", "answered 250"} | noting
    assert doubled["answered 250"] == len(RECIPIENTS)
    assert len(steps) > 35


def test_with_redis_stopped_mail_is_written_and_the_sweep_sends_it(app, sink, monkeypatch):
    away = Redis(port=free_port(), socket_connect_timeout=1)
    with monkeypatch.context() as patch:
        patch.setitem(app.extensions, "redis", away)
        write("one@example.jp")
    assert states() == {"pending": 1}

    sweep()

    assert sink.recipients == ["one@example.jp"]


def test_with_redis_emptied_the_sweep_sends_what_no_wake_up_is_left_for(app, sink, waiting):
    write("one@example.jp")
    app.extensions["redis"].flushdb()
    assert waiting()["default"] == []

    sweep()

    assert sink.recipients == ["one@example.jp"]


def test_redis_may_go_away_while_a_full_batch_is_sent(app, sink, monkeypatch):
    recipients = [f"user{number}@example.jp" for number in range(BATCH + 1)]
    write(*recipients)

    with monkeypatch.context() as patch:
        patch.setitem(app.extensions, "redis", Redis(port=free_port(), socket_connect_timeout=1))
        send_due()

    assert sorted(sink.recipients) == sorted(recipients)


def test_a_server_that_stops_in_the_middle_gets_the_rest_when_it_is_back(app, monkeypatch):
    sink = Sink(free_port())
    for name, value in {"server": "127.0.0.1", "port": sink.port, "suppress": False}.items():
        monkeypatch.setattr(app.extensions["mail"], name, value)
    sink.on_data = {"two@example.jp": "421 4.3.2 Going down"}.get
    write(*RECIPIENTS, "three@example.jp")
    with listening(sink):
        send_due()
    assert sink.recipients == ["one@example.jp", "three@example.jp"]
    send_due()
    sink.on_data = {}.get

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)), listening(sink):
        send_due()

    assert sink.recipients == ["one@example.jp", "three@example.jp", "two@example.jp"]
    assert states() == {"sent": 3}


def test_two_workers_one_killed_and_every_message_arrives_once(app, sink, service_env, tmp_path):
    recipients = [f"user{number}@example.jp" for number in range(4 * BATCH)]
    workers = [start_worker(service_env, sink.port, tmp_path / f"{number}.log") for number in (1, 2)]
    try:
        write(*recipients)
        assert eventually(lambda: len(sink.raw) >= BATCH // 2, seconds=60)
        workers[0].kill()
        workers[0].wait()
        end_leases()
        write("last@example.jp")  # and its wake-up
        assert eventually(lambda: states() == {"sent": len(recipients) + 1}, seconds=60), states()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    copies = Counter(message["Message-ID"] for message in sink.messages)
    assert len(copies) == len(recipients) + 1
    assert copies.total() - len(copies) <= 1  # the one on the way when the worker was killed


def start_worker(env: dict[str, str], port: int, log: Path) -> subprocess.Popen:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app", "portal", "worker"],
            cwd=ROOT,
            env=os.environ | env | {"MAIL_PORT": str(port)},
            stderr=output,
        )
