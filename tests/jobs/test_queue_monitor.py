"""What the jobs screen is told of RQ."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.job import Job

from jobs import queues
from jobs.job import job
from jobs.queue_monitor import QueueMonitor, error_of, place_of
from models import clock

pytestmark = pytest.mark.usefixtures("context")


def fails(*_arguments: object) -> None:
    raise ValueError("somebody@example.jp")


@job(entry=None)
def breaks_a_rule() -> None:
    clock.tokyo_day("山田")


@pytest.fixture
def redis(app) -> Redis:
    return app.extensions["redis"]


@pytest.fixture
def monitor(app) -> QueueMonitor:
    return app.extensions["queue_monitor"]


@pytest.fixture
def work(app, monkeypatch):
    """Do what waits, in this process."""
    # Functions of a test are found by the name their module has here.
    monkeypatch.setitem(sys.modules, "test_queue_monitor", sys.modules[__name__])

    def run() -> None:
        # A connection of its own: a worker changes its timeouts.
        with Redis.from_url(app.config["REDIS_URL"]) as own:
            SimpleWorker(queues.BY_URGENCY, connection=own).work(burst=True, logging_level="CRITICAL")

    return run


def enqueue(name: str, *arguments: object, queue: str = queues.DEFAULT) -> Job:
    return queues.queue(queue).enqueue(f"test_queue_monitor.{name}", *arguments, **queues.LIMITS)


def look(monitor):
    return monitor.snapshot(now=clock.utc_now())


def test_queues_are_counted_by_urgency(monitor):
    queues.queue(queues.URGENT).enqueue("time.sleep", 0)
    for _ in range(2):
        queues.queue(queues.PERIODIC).enqueue("time.sleep", 0)

    assert [(each.name, each.waiting, each.started, each.failed) for each in look(monitor).queues] == [
        ("urgent", 1, 0, 0),
        ("default", 0, 0, 0),
        ("periodic", 2, 0, 0),
    ]


def test_a_failed_job_shows_its_name_and_the_class_of_its_error_and_nothing_else(monitor, work):
    enqueue("fails", "secret@example.jp")
    work()

    (failed,) = look(monitor).failed

    assert (failed.queue, failed.function, failed.error) == ("default", "test_queue_monitor.fails", "ValueError")
    assert failed.failed_at is not None
    assert "example.jp" not in repr(failed)


def test_a_failed_job_of_ours_says_what_it_was_and_where(monitor, work):
    enqueue("breaks_a_rule")
    work()

    (failed,) = look(monitor).failed

    assert failed.error == "AttributeError"
    assert failed.place is not None
    assert failed.place.startswith("models/clock.py:")


def test_a_job_is_retried_once(monitor, work):
    failed = enqueue("fails")
    work()

    assert monitor.retry(failed.id) == "test_queue_monitor.fails"
    assert monitor.retry(failed.id) is None
    assert monitor.delete(failed.id) is None
    assert queues.queue(queues.DEFAULT).job_ids == [failed.id]
    assert look(monitor).failed == []


def test_a_job_is_deleted_once(monitor, work, redis):
    failed = enqueue("fails")
    work()

    assert monitor.delete(failed.id) == "test_queue_monitor.fails"
    assert monitor.delete(failed.id) is None
    assert monitor.retry(failed.id) is None
    assert not Job.exists(failed.id, connection=redis)


@pytest.mark.parametrize("job_id", ["", "no-such-job", "a:b", "*", "\n", "長", "x" * 5000])
def test_a_job_nobody_knows_is_neither_retried_nor_deleted(monitor, job_id):
    assert monitor.retry(job_id) is None
    assert monitor.delete(job_id) is None


def test_what_waits_is_not_deleted_as_failed(monitor):
    waits = queues.queue(queues.DEFAULT).enqueue("time.sleep", 0)

    assert monitor.delete(waits.id) is None
    assert queues.queue(queues.DEFAULT).count == 1


def test_the_newest_failed_jobs_are_shown(monitor, work, monkeypatch):
    monkeypatch.setattr("jobs.queue_monitor.MAX_FAILED", 2)
    made = [enqueue("fails", queue=name).id for name in (queues.DEFAULT, queues.PERIODIC, queues.URGENT)]
    work()

    seen = look(monitor)

    assert len(seen.failed) == 2
    assert {each.id for each in seen.failed} < set(made)
    assert sum(each.failed for each in seen.queues) == 3


@pytest.mark.parametrize(
    ("state", "seconds_ago", "silent"),
    [("idle", 10, False), ("idle", 91, True), ("busy", 91, False), ("busy", 181, True)],
)
def test_a_worker_that_is_not_heard_of_is_silent(monitor, redis, state, seconds_ago, silent):
    now = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    heard = now - timedelta(seconds=seconds_ago)
    doing = queues.queue(queues.DEFAULT).enqueue("jobs.mail.sweep", "secret")
    redis.sadd("rq:workers", "rq:worker:abc")
    redis.hset(
        "rq:worker:abc",
        mapping={
            "hostname": "web1",
            "pid": 7,
            "state": state,
            "last_heartbeat": heard.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    )
    redis.sadd("rq:worker:abc:executions", f"{doing.id}:execution")

    (worker,) = monitor.snapshot(now=now).workers

    assert (worker.name, worker.heard_at, worker.silent) == ("web1:7", heard, silent)
    assert worker.job == ("jobs.mail.sweep" if state == "busy" else None)


def test_workers_that_are_gone_are_not_shown(monitor, redis):
    redis.sadd("rq:workers", "rq:worker:expired", "rq:worker:dead")
    redis.hset("rq:worker:dead", mapping={"hostname": "web1", "death": "2026-11-22T03:00:00.000000Z"})

    assert look(monitor).workers == []


def test_looking_leaves_the_timeout_of_the_connection_alone(app):
    # A connection of its own: workers of other tests change the timeout of the app's.
    with Redis.from_url(app.config["REDIS_URL"], socket_timeout=5) as own:
        look(QueueMonitor(own))

        assert own.connection_pool.connection_kwargs["socket_timeout"] == 5


@pytest.fixture
def redis_that_is_away(tmp_path) -> Redis:
    return Redis.from_url(f"unix://{tmp_path}/nobody.sock")


def test_without_redis_every_question_is_an_error_of_redis(redis_that_is_away):
    away = QueueMonitor(redis_that_is_away)

    for ask in (lambda: look(away), lambda: away.retry("x"), lambda: away.delete("x")):
        with pytest.raises(RedisError):
            ask()


FRAME = '  File "/srv/portal/models/mail/outbox.py", line 31, in f\n    g()\n'
LAST = '  File "/usr/lib/python3.11/x.py", line 1, in g\n    h()\n    ^^^\n'


@pytest.mark.parametrize(
    ("raised", "error", "place"),
    [
        (
            f"Traceback (most recent call last):\n{FRAME}{LAST}ValueError: 山田\n",
            "ValueError",
            "models/mail/outbox.py:31",
        ),
        (f"Traceback:\n{LAST}psycopg.errors.UniqueViolation: 山田\nDETAIL: 山田\n", "UniqueViolation", None),
        (f"Traceback:\n{LAST}KeyError\n", "KeyError", None),
        (f"Traceback:\n{LAST}ValueError: 一行\nYamada\n", "ValueError", None),
        (
            f"Traceback:\n{LAST}jobs.job.JobFailed: IntegrityError 23505 pk\njobs/mail.py:7\n",
            "IntegrityError 23505 pk",
            "jobs/mail.py:7",
        ),
        ("Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-11-22", "AbandonedJobError", None),
        ("山田", "-", None),
        ("", "-", None),
    ],
)
def test_a_traceback_is_cut_to_class_and_place(raised, error, place):
    assert (error_of(raised), place_of(raised)) == (error, place)
