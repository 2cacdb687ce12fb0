"""Runs jobs that are killed at a step: ``python -m tests.jobs.dying_job``.

Each line of input is the dotted name of a job and the number of a step. A child runs the job until it comes there, and
then ends as by SIGKILL. The answer is a JSON line: the step's name, and whether the child got that far. A step is the
moment before each statement and before each commit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from itertools import count
from typing import Any

from rq.utils import import_attribute
from sqlalchemy import Engine, event

from app import create_app
from models.db import db


def main() -> None:
    """Answer each line."""
    app = create_app()
    for line in sys.stdin:
        job, step = line.split()
        sys.stdout.write(json.dumps(_run_until(app, import_attribute(job), int(step))) + "\n")
        sys.stdout.flush()


def _run_until(app: Any, job: Any, last: int) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with app.app_context():
            db.engine.dispose(close=False)
            _die_at(last, writing)
            job()
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return {"step": told.read(), "killed": os.WIFSIGNALED(status)}


def _die_at(last: int, told: int) -> None:
    numbers = count(1)

    def step(name: str) -> None:
        if next(numbers) == last:
            os.write(told, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", lambda *args: step(args[2].split()[0]))
    event.listen(Engine, "commit", lambda *_args: step("COMMIT"))


if __name__ == "__main__":
    main()
