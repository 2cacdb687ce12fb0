"""The worker and the cron, run as processes and treated badly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from rq import Queue
from rq.job import Job
from sqlalchemy import delete
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.orm import Session

from app.local.embedded import EmbeddedRedis
from models import clock
from models.operations import schedule
from models.operations.schedule import ScheduledTask
from tests.support.processes import eventually

ROOT = Path(__file__).parents[3]

START = 60.0
"""Seconds a process may take to be there, on a machine that has other things to do."""


class Program:
    """``flask portal worker`` or ``flask portal cron`` as a process, and what it has logged."""

    def __init__(self, command: str, folder: Path, env: dict[str, str]) -> None:
        self.log = folder / f"{command}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "app", "portal", command],
                cwd=ROOT,
                env=os.environ | env,
                stderr=output,
            )

    def lines(self) -> list[dict]:
        return [json.loads(text) for text in self.log.read_text().splitlines()]

    def display_value(self, message: str, **facts: str) -> bool:
        return any(
            line["message"] == message and facts.items() <= line.items()
            for line in map(json.loads, self.log.read_text().splitlines())
        )

    def end(self, how: signal.Signals) -> tuple[int, float]:
        """Send a signal; return the exit code and after how many seconds it came."""
        began = time.monotonic()
        self.process.send_signal(how)
        return self.process.wait(30), time.monotonic() - began


@pytest.fixture
def start(service_env, tmp_path) -> Iterator[Callable[..., Program]]:
    """Start one of the programs: ``start("worker", REDIS_URL=...)``; what still runs is killed at the end."""
    started = []

    def start_one(command: str, **env: str) -> Program:
        started.append(Program(command, tmp_path, service_env | env))
        return started[-1]

    yield start_one
    for program in started:
        program.process.kill()
        program.process.wait()


@pytest.fixture
def heard(engine: Engine) -> Iterator[Callable[[], datetime | None]]:
    """When the last heartbeat was; none at the beginning."""
    with Session(engine) as session, session.begin():
        session.execute(delete(ScheduledTask))

    def last() -> datetime | None:
        with Session(engine) as session:
            task = session.get(ScheduledTask, "heartbeat")
            return task.last_finished_at if task else None

    yield last
    with Session(engine) as session, session.begin():
        session.execute(delete(ScheduledTask))
        schedule.reconcile(session, now=clock.utc_now())


@pytest.fixture
def redis(app) -> Redis:
    return app.extensions["redis"]


@pytest.fixture
def make_due(engine: Engine) -> Callable[[], datetime]:
    """Make the heartbeat due and return when that was."""

    def at_once() -> datetime:
        now = clock.utc_now()
        with Session(engine) as session, session.begin():
            session.get(ScheduledTask, "heartbeat").next_run_at = now
        return now

    return at_once


def enqueue(redis: Redis, name: str, *arguments: object, queue: str = "urgent") -> Job:
    return Queue(queue, connection=redis).enqueue(name, *arguments, result_ttl=60)


def is_after(moment: datetime | None, other: datetime) -> bool:
    return moment is not None and moment > other


def test_a_worker_is_seen_at_once_does_what_is_due_also_under_a_former_name_and_ends_when_told(
    start, heard, redis, make_due
):
    assert heard() is None
    # As it was called before an upgrade.
    former = enqueue(redis, "jobs.links.remove_old")
    worker = start("worker")
    assert eventually(lambda: heard() is not None, seconds=START), worker.log.read_text()

    due = make_due()
    enqueue(redis, "jobs.tick.tick")
    assert eventually(lambda: is_after(heard(), due))
    assert eventually(lambda: worker.display_value("job done", job="jobs.alerts.make_partitions"))
    assert former.get_status() == "finished"
    assert worker.display_value("job done", job="jobs.expired_links.remove_old")

    code, seconds = worker.end(signal.SIGTERM)
    assert (code, seconds < AT_ONCE) == (0, True)
    assert worker.display_value("stopped", program="worker")
    assert {line["level"] for line in worker.lines()} == {"INFO"}


def test_a_worker_told_to_end_ends_its_job_first(start, heard, redis):
    worker = start("worker")
    assert eventually(lambda: heard() is not None, seconds=START)
    # Long enough to be seen at work on a busy machine.
    job = enqueue(redis, "time.sleep", 4)
    waits = enqueue(redis, "time.sleep", 0)
    assert eventually(lambda: job.get_status() == "started")
    code, _ = worker.end(signal.SIGINT)
    assert code == 0
    assert (job.get_status(), waits.get_status()) == ("finished", "queued")


def test_a_worker_killed_in_the_middle_of_a_job_keeps_nobody_from_working(start, heard, redis, make_due):
    worker = start("worker")
    assert eventually(lambda: heard() is not None, seconds=START)
    job = enqueue(redis, "time.sleep", 60)
    assert eventually(lambda: job.get_status() == "started")
    worker.end(signal.SIGKILL)

    due = make_due()
    enqueue(redis, "jobs.tick.tick")
    worker = start("worker")
    assert eventually(lambda: worker.display_value("job done", job="jobs.alerts.make_partitions"), seconds=START)
    assert is_after(heard(), due)


def test_a_worker_and_a_cron_wait_for_a_redis_that_goes_away(start, heard, tmp_path):
    server = EmbeddedRedis(tmp_path / "redis", durable=False)
    url = server.url()
    worker, cron = start("worker", REDIS_URL=url), start("cron", REDIS_URL=url)
    away = "ended unexpectedly, restarting"
    assert eventually(
        lambda: worker.display_value(away, program="worker") and cron.display_value(away, program="cron"), seconds=START
    )
    assert heard() is None
    try:
        server.start()
        assert eventually(lambda: heard() is not None, seconds=START)
        server.stop()
        time.sleep(3)
        assert (worker.process.poll(), cron.process.poll()) == (None, None)
        server.start()
        with Redis.from_url(url) as client:
            job = enqueue(client, "time.sleep", 0)
            assert eventually(lambda: job.get_status() == "finished", seconds=START)
        server.stop()
        for program in (worker, cron):
            code, seconds = program.end(signal.SIGTERM)
            assert (code, seconds < AT_ONCE) == (0, True), program.log.read_text()
    finally:
        server.stop()


def test_a_worker_waits_for_a_database_that_goes_away(start, heard, redis, make_due, engine, service_env):
    worker = start("worker")
    assert eventually(lambda: heard() is not None, seconds=START)
    due = make_due()
    engine.dispose()
    _let_in(service_env, yes=False)
    try:
        job = enqueue(redis, "jobs.tick.tick")
        assert eventually(lambda: job.get_status() == "failed")
        assert worker.display_value("job failed", job="jobs.tick.tick", error="OperationalError")
        late = start("worker")
        assert eventually(lambda: late.display_value("ended unexpectedly, restarting"), seconds=START)
    finally:
        _let_in(service_env, yes=True)
    assert eventually(lambda: is_after(heard(), due), seconds=START)  # the other worker is there
    late.end(signal.SIGTERM)
    due = make_due()
    enqueue(redis, "jobs.tick.tick")
    assert eventually(lambda: is_after(heard(), due))
    assert worker.process.poll() is None


def test_a_cron_enqueues_a_tick_at_once_and_ends_when_told(start, redis):
    cron = start("cron")
    assert eventually(lambda: Queue("urgent", connection=redis).count == 1, seconds=START), cron.log.read_text()
    (tick,) = Queue("urgent", connection=redis).jobs
    assert (tick.func_name, tick.ttl) == ("jobs.tick.tick", 60)
    code, seconds = cron.end(signal.SIGTERM)
    assert (code, seconds < AT_ONCE) == (0, True)
    assert cron.display_value("stopped", program="cron")


def _let_in(service_env: dict[str, str], *, yes: bool) -> None:
    """Open or close the database of this test run, and end the connections there are."""
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql")
    with psycopg.connect(url.set(database="postgres").render_as_string(), autocommit=True) as connection:
        flag = sql.SQL("true" if yes else "false")
        name = sql.Identifier(url.database)
        connection.execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(name, flag))
        if not yes:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = 'portal_app'",
                [url.database],
            )


AT_ONCE = 20
"""Seconds in which a process that has nothing to do ends, also on a busy machine; one that hangs is killed later."""
