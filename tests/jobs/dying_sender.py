"""Sends what waits in the outbox, and is killed at a step: ``python -m tests.jobs.dying_sender PORT``.

Each line of input is the number of a step. A child sends until it comes there, and then ends as by SIGKILL. The answer
is a JSON line: the step's name, and whether the child got that far. A step is each statement, each commit, each SMTP
command and each answer of the mail server.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

from app import create_app
from jobs.mail import send_due
from models.db import db


class Steps:
    """Counts the steps, and ends the process at one of them."""

    def __init__(self, last: int, told: int) -> None:
        self._numbers = count(1)
        self._last = last
        self._told = told

    def step(self, name: str) -> None:
        """Come to a step."""
        if next(self._numbers) == self._last:
            os.write(self._told, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count what the process does from here on."""
        event.listen(Engine, "before_cursor_execute", lambda *args: self.step(f"before {args[2].split()[0]}"))
        event.listen(Engine, "after_cursor_execute", lambda *args: self.step(f"after {args[2].split()[0]}"))
        event.listen(Engine, "commit", lambda *_args: self.step("before COMMIT"))
        putcmd, getreply, send = smtplib.SMTP.putcmd, smtplib.SMTP.getreply, smtplib.SMTP.send

        def watched_putcmd(host: Any, command: str, arguments: str = "") -> None:
            self.step(f"before {command}")
            putcmd(host, command, arguments)

        def watched_getreply(host: Any) -> Any:
            answer = getreply(host)
            self.step(f"answered {answer[0]}")
            return answer

        def watched_send(host: Any, text: Any) -> None:
            send(host, text)
            self.step("after bytes")

        smtplib.SMTP.putcmd, smtplib.SMTP.getreply, smtplib.SMTP.send = watched_putcmd, watched_getreply, watched_send


def main() -> None:
    """Answer each line."""
    app = create_app()
    app.extensions["mail"].port = int(sys.argv[1])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_send_until(app, int(line))) + "\n")
        sys.stdout.flush()


def _send_until(app: Any, last: int) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with app.app_context():
            db.engine.dispose(close=False)
            Steps(last, writing).watch()
            send_due()
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return {"step": told.read(), "killed": os.WIFSIGNALED(status), "code": os.waitstatus_to_exitcode(status)}


if __name__ == "__main__":
    main()
