"""Mail: as many messages of one transaction through two workers as through a plain smtplib loop over one connection."""

from __future__ import annotations

import os
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.mime.text import MIMEText
from functools import partial

from config import ROOT
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle

TITLE = "Mail"
ABOUT = (
    "1,000 messages written in one transaction, until the last has reached a mail server in a process of its own, by two"
    " workers; against a loop that puts 1,000 messages together and sends them over one connection of smtplib. A message"
    " is noted as sent before the next one goes out."
)

MESSAGES = 1_000
RUNS = 5
LIMIT = 1.5
"""Times as long as the plain loop."""

_WORKERS = 2
_PATIENCE = 120.0


def measure(dataset: Dataset, messages: int = MESSAGES) -> list[Finding]:
    """Send both ways in turn to the same mail server."""
    with ExitStack() as stack:
        port = stack.enter_context(_mail_server(dataset.env))
        outbox = stack.enter_context(_outbox(dataset.env | {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port)}))
        plain, portal = map(
            middle, alternate(RUNS, partial(_plain_loop, port, messages), partial(_ask, outbox, messages))
        )
    figures = {"portal": f"{portal:.2f} s", "smtplib": f"{plain:.2f} s", "ratio": times(portal / plain)}
    return [Finding(f"{messages:,} messages", figures, f"at most {times(LIMIT)}", held=portal <= LIMIT * plain)]


def _plain_loop(port: int, messages: int) -> float:
    """As short as it can be written: put each message together, and send it."""
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(messages):
            message = MIMEText("見本の本文です。\n" * 12, "plain", "utf-8")
            message["Subject"] = "【見守りサービス】アカウントロックアウト通知"
            message["From"], message["To"] = "no-reply@example.jp", f"user{number}@example.jp"
            server.sendmail("no-reply@example.jp", [f"user{number}@example.jp"], message.as_bytes())
    return time.perf_counter() - began


def _ask(outbox: subprocess.Popen, messages: int) -> float:
    outbox.stdin.write(f"{messages}\n")
    outbox.stdin.flush()
    return float(outbox.stdout.readline())


@contextmanager
def _mail_server(env: Mapping[str, str]) -> Iterator[int]:
    """A mail server that throws away what it takes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = [sys.executable, "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"127.0.0.1:{port}"]
    with _ended(subprocess.Popen(server, env=dict(env))):
        _wait_for(port)
        yield port


@contextmanager
def _outbox(env: Mapping[str, str]) -> Iterator[subprocess.Popen]:
    """A process that writes mail when asked, and the workers that send it."""
    with ExitStack() as stack:
        for _ in range(_WORKERS):
            worker = [sys.executable, "-m", "flask", "--app", "app", "portal", "worker"]
            stack.enter_context(_ended(subprocess.Popen(worker, cwd=ROOT, env=dict(env), stderr=subprocess.DEVNULL)))
        outbox = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.mail"],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        yield stack.enter_context(_ended(outbox))


@contextmanager
def _ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _write_and_wait(messages: int) -> float:
    """Write mails in one transaction; the seconds from its commit until the last one is sent."""
    from sqlalchemy import func, select
    from sqlalchemy.orm import Session

    from models import clock
    from models.db import db
    from models.mail import outbox as mail
    from models.mail.outbox import MailMessage, MailState
    from models.scope import all_tenants

    recipients = [f"user{number}@example.jp" for number in range(messages)]
    values = {"Email": "user@example.jp", "PortalUrl": "https://portal.example.jp"}
    with Session(db.engine) as session:
        mail.write(session, "account_locked", recipients, values, now=clock.utc_now())
        began = time.perf_counter()
        session.commit()
    waiting = select(func.count()).where(MailMessage.state == MailState.PENDING)
    with all_tenants(reason="the benchmark waits") as session:
        while session.scalar(waiting):
            session.commit()
            if time.perf_counter() - began > _PATIENCE:
                raise TimeoutError
            time.sleep(0.01)  # the workers need the cores more than the question whether they are done
    return time.perf_counter() - began


if __name__ == "__main__":
    from app import create_app

    os.environ.setdefault("PORTAL_DEMO", "0")
    with create_app().app_context():
        for line in sys.stdin:
            sys.stdout.write(f"{_write_and_wait(int(line))}\n")
            sys.stdout.flush()
