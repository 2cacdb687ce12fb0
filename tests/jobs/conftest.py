"""The timetable as a test wants it: no other test looks at how the last one left it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from flask import Flask
from rq import Queue
from sqlalchemy import delete
from sqlalchemy.orm import Session

from jobs import queues
from models import clock
from models.operations import schedule
from models.operations.schedule import ScheduledTask


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
