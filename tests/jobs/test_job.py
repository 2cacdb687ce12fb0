from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs.job import JobFailed, job
from models.db import db

pytestmark = pytest.mark.usefixtures("context")

NOW = datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC)


@job(entry="heartbeat")
def works() -> None:
    pass


@job(entry="heartbeat")
def breaks_a_constraint() -> None:
    with Session(db.engine) as session, session.begin():
        name = {"name": "山田太郎"}
        for _ in range(2):
            session.execute(text("INSERT INTO scheduled_task (name, next_run_at) VALUES (:name, now())"), name)


@job(entry="heartbeat")
def stumbles() -> None:
    raise LookupError("山田太郎")


@pytest.mark.parametrize(
    ("broken", "error"),
    [(breaks_a_constraint, "IntegrityError 23505 scheduled_task_pkey"), (stumbles, "LookupError")],
)
def test_a_failed_run_says_what_kind_of_error_it_was_and_nothing_of_the_data(new_timetable, row, caplog, broken, error):
    new_timetable(NOW)
    with time_machine.travel(NOW, tick=False), pytest.raises(JobFailed) as raised:
        broken()
    assert str(raised.value) == error
    assert raised.value.__suppress_context__
    assert (row("heartbeat").last_finished_at, row("heartbeat").last_error) == (NOW, error)
    (line,) = [record for record in caplog.records if record.name == "portal.job"]
    assert (line.levelname, line.message, line.error) == ("ERROR", "job failed", error)
    assert "山田" not in str(vars(line))


def test_a_run_that_went_well_is_noted_and_takes_the_error_away(new_timetable, row, caplog):
    caplog.set_level(logging.INFO, logger="portal.job")
    new_timetable(NOW)
    with pytest.raises(JobFailed):
        stumbles()
    with time_machine.travel(NOW, tick=False):
        works()
    assert (row("heartbeat").last_finished_at, row("heartbeat").last_error) == (NOW, None)
    assert caplog.records[-1].message == "job done"


def test_a_run_whose_end_cannot_be_noted_has_failed(new_timetable, row, monkeypatch):
    new_timetable(NOW)

    def no_database(*_args, **_values):
        raise ConnectionError

    monkeypatch.setattr("models.operations.schedule.record_finished", no_database)
    with pytest.raises(JobFailed, match=r"^ConnectionError$"):
        works()
    with pytest.raises(JobFailed, match=r"^LookupError$"):
        stumbles()
    assert row("heartbeat").last_finished_at is None
