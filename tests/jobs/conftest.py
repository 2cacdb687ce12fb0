"""The timetable as a test wants it, what waits in the queues, and jobs that are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from rq import Queue
from sqlalchemy import delete
from sqlalchemy.orm import Session

from jobs import queues
from models import clock
from models.operations import schedule
from models.operations.schedule import ScheduledTask

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def dying_jobs(service_env) -> Iterator[subprocess.Popen]:
    """A process that runs jobs until a step. It is kept, because loading the portal takes longer than many jobs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.dying_job"],
        cwd=ROOT,
        env=os.environ | service_env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def run_until(app: Flask, dying_jobs: subprocess.Popen) -> Callable[[str, int], dict[str, Any]]:
    """Run a job in another process until a step: ``run_until("jobs.contracts.issue_invoices", 7)``."""

    def run(job: str, step: int) -> dict[str, Any]:
        dying_jobs.stdin.write(f"{job} {step}\n")
        dying_jobs.stdin.flush()
        return json.loads(dying_jobs.stdout.readline())

    return run


@pytest.fixture
def new_timetable(engine) -> Iterator[Callable[[datetime], None]]:
    """Begin the timetable anew: every entry due at a moment and never run."""

    def begin(now: datetime) -> None:
        with Session(engine) as session, session.begin():
            session.execute(delete(ScheduledTask))
            schedule.reconcile(session, now=now)

    yield begin
    begin(clock.utc_now())


@pytest.fixture
def row(engine) -> Callable[[str], ScheduledTask]:
    """The row of an entry, as it is now: ``row("heartbeat").last_error``."""

    def read(name: str) -> ScheduledTask:
        with Session(engine) as session:
            return session.get(ScheduledTask, name)

    return read


@pytest.fixture
def waiting(app: Flask) -> Callable[[], dict[str, list[str]]]:
    """The dotted names of the jobs that wait, by queue."""

    def look() -> dict[str, list[str]]:
        found = {name: Queue(name, connection=app.extensions["redis"]).jobs for name in queues.BY_URGENCY}
        return {name: sorted(job.func_name for job in jobs) for name, jobs in found.items()}

    return look
