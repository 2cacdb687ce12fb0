"""The portal on two hosts: each has a web server, a worker and a cron, and one of each is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from models import clock
from models.audit import AuditEntry
from models.customers.customer import Customer
from models.mail.outbox import MailMessage
from models.operations import schedule
from models.operations.schedule import ScheduledTask
from tests.factories import PASSWORD
from tests.support.customer_form import CUSTOMER
from tests.support.fixtures import weak_hash
from tests.support.mail_sink import Sink, free_port, listening
from tests.support.pages import Page, answered
from tests.support.processes import eventually, is_connected

ROOT = Path(__file__).parents[3]
SLOWLY = 120.0
"""Seconds that anything may take on a machine that has other things to do."""

DAILY = {
    "jobs.alerts.make_partitions",
    "jobs.contracts.renew_and_expire",
    "jobs.applications.notify_shortage",
    "jobs.dashboard.refresh_daily",
}
"""Jobs that are due once a day, and say in the log that they are done."""


@dataclass
class Host:
    """The processes of a host, and what its worker has logged."""

    url: str
    web: subprocess.Popen
    worker: subprocess.Popen
    cron: subprocess.Popen
    log: Path

    def done(self) -> Counter[str]:
        """How often each job was done here."""
        lines = [json.loads(each) for each in self.log.read_text().splitlines() if each.endswith("}")]
        return Counter(each["job"] for each in lines if each["message"] == "job done")


def start_host(folder: Path, env: dict[str, str]) -> Host:
    folder.mkdir()
    port = free_port()
    env = os.environ | env | {"PORTAL_INSTANCE": str(folder), "PORTAL_PORT": str(port)}

    def start(name: str, *arguments: str) -> subprocess.Popen:
        with (folder / f"{name}.log").open("wb") as output:
            command = [sys.executable, "-m", *arguments]
            # In a group of its own, so that it is killed with its children.
            return subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output, start_new_session=True)

    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "2", "--no-control-socket"]
    return Host(
        f"http://127.0.0.1:{port}",
        start("web", "gunicorn", *options, "app:create_app()"),
        start("worker", "flask", "--app", "app", "portal", "worker"),
        start("cron", "tests.support.fast_cron"),
        folder / "worker.log",
    )


def kill(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=10).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening(Sink(free_port())) as found:
        yield found


@pytest.fixture
def hosts(app, engine, service_env, sink, tmp_path) -> Iterator[list[Host]]:
    """Two hosts with one database and one Redis. Everything on the schedule is due when their workers start."""
    with Session(engine) as session, session.begin():
        session.execute(delete(ScheduledTask))
    env = service_env | {"SECRET_KEY": "k" * 40, "MAIL_PORT": str(sink.port)}
    started = [start_host(tmp_path / name, env) for name in ("one", "two")]
    yield started
    for process in (each for host in started for each in (host.web, host.worker, host.cron)):
        if process.poll() is None:
            kill(process)
    with Session(engine) as session, session.begin():
        session.execute(delete(ScheduledTask))
        schedule.reconcile(session, now=clock.utc_now())


@pytest.fixture
def letters(make):
    """Write mails that are due, in this order; return the addresses."""

    def write(*names: str) -> list[str]:
        recipients = [f"{name}@example.jp" for name in names]
        for each in recipients:
            make.mail_message(recipient=each)
        return recipients

    return write


@pytest.fixture
def plans(make):
    """Plan reboots that are due, of UTMs that are online; return their keys."""
    now = clock.utc_now()

    def plan(number: int) -> list[int]:
        utms = [make.utm(last_seen_at=now + timedelta(minutes=5)) for _ in range(number)]
        return [make.reboot(utm_row=utm, due_at=now - timedelta(seconds=30)).id for utm in utms]

    return plan


def requested(make) -> Counter[str]:
    """How often each planned reboot was started, by its key."""
    make.session.rollback()
    action = AuditEntry.action == "reboot.requested"
    return Counter(make.session.scalars(select(AuditEntry.subject_id).where(action)).all())


def due_again(app, make, names: list[str]) -> None:
    """Make entries of the schedule due, as they are a minute later."""
    for key in app.extensions["redis"].scan_iter("rq:job:*"):
        if key.decode().removeprefix("rq:job:").startswith(tuple(f"{name}-" for name in names)):
            app.extensions["redis"].delete(key)
    make.session.rollback()
    for task in make.session.scalars(select(ScheduledTask).where(ScheduledTask.name.in_(names))):
        task.next_run_at = clock.utc_now()
    make.session.commit()


def sent(make) -> set[str]:
    make.session.rollback()
    return set(make.session.scalars(select(MailMessage.recipient).where(MailMessage.state == "sent")))


def test_two_hosts_share_the_work_and_one_goes_on_without_the_other(app, make, hosts, sink, letters, plans):
    first, second = hosts
    tenant = make.tenant()
    make.member(tenant, "Partner Operator", email="one@example.jp", password=weak_hash())

    # Both: what is due happens once.
    early, rebooted = letters(*(f"early{number}" for number in range(12))), plans(4)
    assert eventually(lambda: (first.done() + second.done()).keys() >= DAILY, seconds=SLOWLY)
    due_again(app, make, ["mail", "reboots"])
    assert eventually(lambda: sent(make) >= set(early) and len(requested(make)) == 4, seconds=SLOWLY)
    assert eventually(lambda: answers(first.url) and answers(second.url), seconds=SLOWLY)

    # A session is the same at both, and a form that is sent to both takes effect once.
    browser = requests.Session()
    forms = Page(browser.get(f"{first.url}/login/", timeout=60).text).forms
    (sign_in,) = (each for each in forms if "password" in each.names)
    form = sign_in.sent(email="one@example.jp", password=PASSWORD)
    assert _post(browser, f"{first.url}/login/", form).status_code == 302
    page = browser.get(f"{second.url}/customers/add", timeout=60)
    customer = answered(Page(page.text).main_form.sent(CUSTOMER))
    once = _post(browser, f"{first.url}/customers/add", customer)
    kill(first.web)
    again = _post(browser, f"{second.url}/customers/add", customer)
    assert (once.status_code, again.status_code) == (302, 302)
    assert once.headers["Location"] == again.headers["Location"]
    assert CUSTOMER["name"] in browser.get(f"{second.url}/customers/", timeout=60).text
    make.session.rollback()
    assert len(make.session.scalars(select(Customer).where(Customer.name == CUSTOMER["name"])).all()) == 1

    # One worker dies while it sends, with its cron; the other two do the rest.
    killed: list[Host] = []

    def die_at(recipient: str) -> str | None:
        if recipient.startswith("deadly") and not killed:
            killed.extend(host for host in hosts if is_connected(host.worker.pid, sink.port))
            for host in killed:
                kill(host.worker)
                kill(host.cron)
        return None

    sink.on_recipient = die_at
    late = letters("late1", "late2", "deadly", "late3", "late4")
    due_again(app, make, ["mail"])
    assert eventually(lambda: len(killed) == 1, seconds=SLOWLY)
    rebooted += plans(3)
    # Five minutes later.
    make.session.execute(text("UPDATE mail_message SET lease_until = now() WHERE lease_until IS NOT NULL"))
    make.session.commit()
    due_again(app, make, ["mail", "reboots"])
    assert eventually(lambda: sent(make) >= {*early, *late}, seconds=SLOWLY), sent(make)
    assert eventually(lambda: len(requested(make)) == 7, seconds=SLOWLY)

    assert Counter(sink.recipients) == Counter([*early, *late])
    assert requested(make) == Counter(map(str, rebooted))
    done = first.done() + second.done()
    assert {job: done[job] for job in DAILY} == dict.fromkeys(DAILY, 1)


def _post(browser: requests.Session, url: str, form: Any) -> requests.Response:
    return browser.post(url, data=form, allow_redirects=False, timeout=60)
