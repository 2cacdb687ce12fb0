from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
import time_machine
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.utils import import_attribute
from sqlalchemy.orm import Session

from jobs import queues
from jobs import tick as ticking
from jobs.job import JobFailed
from jobs.tick import tick
from models import clock
from models.db import db
from models.operations import schedule

pytestmark = pytest.mark.usefixtures("context")

ROOT = Path(__file__).parents[2]
NOTHING = {"urgent": [], "default": [], "periodic": []}
EVERYTHING = {
    "urgent": ["jobs.heartbeat.beat", "jobs.reboots.sweep"],
    "default": ["jobs.imports.sweep", "jobs.mail.sweep", "jobs.password_requests.sweep", "jobs.sms.sweep"],
    "periodic": [
        "jobs.alert_mails.send",
        "jobs.alerts.determine_compared_companies",
        "jobs.alerts.drop_old_partitions",
        "jobs.alerts.make_partitions",
        "jobs.applications.notify_shortage",
        "jobs.applications.remove_unconfirmed",
        "jobs.audit.record_heads",
        "jobs.contracts.issue_invoices",
        "jobs.contracts.renew_and_expire",
        "jobs.dashboard.refresh",
        "jobs.dashboard.refresh_daily",
        "jobs.expired_links.remove_old",
        "jobs.reports.issue_monthly",
        "jobs.returned_mail.read",
        "jobs.tickets.remove_unused_files",
    ],
}
NOON = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
"""12:00 in Tokyo."""


def claimed_and_ended(name: str, *, claimed: datetime, ended: datetime | None, error: str | None = None) -> None:
    with Session(db.engine) as session, session.begin():
        task = session.get(schedule.ScheduledTask, name)
        task.next_run_at = claimed + timedelta(days=1)
        task.last_claimed_at, task.last_finished_at, task.last_error = claimed, ended, error


@pytest.fixture
def only_partitions(new_timetable):
    """A timetable in which nothing is due."""
    new_timetable(NOON + timedelta(days=1))
    return "alert-partitions"


def test_what_is_due_waits_in_its_queue_and_is_due_again_at_its_next_time(new_timetable, waiting, row):
    new_timetable(NOON)
    with time_machine.travel(NOON + timedelta(seconds=1), tick=False):
        tick()
    assert waiting() == EVERYTHING
    assert row("heartbeat").next_run_at == datetime(2026, 11, 22, 3, 1, tzinfo=UTC)
    assert row("alert-partitions").next_run_at == datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    assert row("alert-retention").next_run_at == datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    assert row("old-links").next_run_at == datetime(2026, 11, 22, 17, 30, tzinfo=UTC)


def test_a_job_in_its_queue_has_an_id_that_says_what_it_is_and_limits(app, new_timetable):
    new_timetable(NOON)
    with time_machine.travel(NOON, tick=False):
        tick()
    job = Job.fetch("heartbeat-20261122T0300", connection=app.extensions["redis"])
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (120, 90, 86400)


def test_what_is_not_due_stays(new_timetable, waiting):
    new_timetable(NOON)
    with time_machine.travel(NOON - timedelta(seconds=1), tick=False):
        tick()
    assert waiting() == NOTHING


def test_a_second_tick_of_the_same_minute_starts_nothing(new_timetable, waiting):
    new_timetable(NOON)
    with time_machine.travel(NOON, tick=False):
        tick()
        tick()
    assert waiting() == EVERYTHING


def test_many_ticks_at_once_claim_each_row_once(app, new_timetable, waiting, monkeypatch):
    new_timetable(clock.utc_now())
    enqueued = []
    enqueue = ticking._enqueue

    def counted(entry, *, now):
        enqueued.append(entry.name)
        enqueue(entry, now=now)

    monkeypatch.setattr(ticking, "_enqueue", counted)
    together = Barrier(5)

    def one_tick() -> None:
        with app.app_context():
            together.wait()
            tick()

    threads = [Thread(target=one_tick) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(enqueued) == sorted(each.name for each in schedule.entries())
    assert waiting() == EVERYTHING


def test_a_tick_neither_waits_for_another_nor_takes_what_that_one_has_claimed(new_timetable, waiting):
    now = clock.utc_now()
    new_timetable(now)
    with Session(db.engine) as other, other.begin():
        assert len(schedule.claim_due(other, now=now)) == len(schedule.entries())
        tick()
        assert waiting() == NOTHING


def test_a_tick_killed_between_enqueueing_and_its_commit_loses_nothing(new_timetable, waiting, row):
    new_timetable(clock.utc_now())
    killed_on_the_way = """
import os, signal
from app import create_app
from jobs import tick as ticking

enqueue = ticking._enqueue

def enqueue_and_die(entry, *, now):
    enqueue(entry, now=now)
    os.kill(os.getpid(), signal.SIGKILL)

ticking._enqueue = enqueue_and_die
with create_app().app_context():
    ticking.tick()
"""
    ended = subprocess.run([sys.executable, "-c", killed_on_the_way], cwd=ROOT, check=False, env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    assert sum(map(len, waiting().values())) == 1
    assert [row(each.name).last_claimed_at for each in schedule.entries()] == [None] * len(schedule.entries())

    tick()
    started = {name for jobs in waiting().values() for name in jobs}
    assert started == {each.job for each in schedule.entries()}
    assert None not in [row(each.name).last_claimed_at for each in schedule.entries()]


def test_without_redis_nothing_is_claimed_and_the_next_tick_takes_it(app, new_timetable, waiting, row, monkeypatch):
    new_timetable(clock.utc_now())
    with monkeypatch.context() as patched:
        nowhere = Redis(port=1, retry=None)
        patched.setitem(app.extensions, "redis", nowhere)
        with pytest.raises(JobFailed, match=r"^ConnectionError\b"):
            tick()
    assert row("heartbeat").last_claimed_at is None
    tick()
    assert waiting() == EVERYTHING


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        pytest.param(None, None, id="killed in its first run"),
        pytest.param(NOON - timedelta(days=1), None, id="killed in a later run"),
        pytest.param(NOON + timedelta(seconds=1), "OperationalError", id="failed"),
    ],
)
def test_a_run_that_did_not_end_well_is_repeated_after_ten_minutes(only_partitions, waiting, row, ended, error):
    claimed_and_ended(only_partitions, claimed=NOON, ended=ended, error=error)
    with time_machine.travel(NOON + timedelta(minutes=9, seconds=59), tick=False):
        tick()
    assert waiting() == NOTHING
    with time_machine.travel(NOON + timedelta(minutes=10), tick=False):
        tick()
        tick()
    assert waiting() == NOTHING | {"periodic": ["jobs.alerts.make_partitions"]}
    assert row(only_partitions).last_claimed_at == NOON + timedelta(minutes=10)
    assert row(only_partitions).next_run_at == NOON + timedelta(days=1)


def test_a_run_that_ended_well_is_not_repeated(only_partitions, waiting):
    claimed_and_ended(only_partitions, claimed=NOON, ended=NOON + timedelta(seconds=1))
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        tick()
    assert waiting() == NOTHING


def test_every_entry_names_a_job_that_exists_and_a_queue_that_workers_look_into():
    for entry in schedule.entries():
        assert callable(import_attribute(entry.job)), entry
        assert entry.queue in queues.BY_URGENCY, entry


def test_a_job_may_not_take_longer_than_readyz_waits_for_a_heartbeat_or_a_repetition():
    from views.operations.health import SCHEDULE_SILENCE

    # A heartbeat, up to a minute without one, then a job with one worker.
    assert timedelta(minutes=1, seconds=queues.JOB_TIMEOUT) <= SCHEDULE_SILENCE
    assert timedelta(seconds=queues.JOB_TIMEOUT) < ticking.AGAIN_AFTER


def test_a_queue_no_worker_looks_into_is_refused():
    assert isinstance(queues.queue("urgent"), Queue)
    with pytest.raises(ValueError, match="There is no queue 'soon'; the queues are urgent, default, periodic"):
        queues.queue("soon")
