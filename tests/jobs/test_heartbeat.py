from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from redis import ConnectionPool, Redis

from app.background.liveness import Liveness
from jobs import queues
from jobs.heartbeat import beat
from models import clock

NOW = datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC)


@pytest.mark.usefixtures("context")
def test_a_heartbeat_notes_when_it_was_and_two_leave_what_one_leaves(new_timetable, row):
    new_timetable(NOW)
    with time_machine.travel(NOW, tick=False):
        beat()
        beat()
    assert row("heartbeat").last_finished_at == NOW
    assert row("heartbeat").last_error is None
    assert row("heartbeat").next_run_at == NOW


def test_readyz_sees_the_schedule_for_three_minutes_after_a_heartbeat(app, client, new_timetable):
    def is_seen(*, since: timedelta) -> bool:
        with app.app_context(), time_machine.travel(now - since, tick=False):
            beat()
        return client.get("/readyz").json["checks"]["schedule"]

    now = clock.utc_now()
    new_timetable(now)
    assert client.get("/readyz").json["checks"]["schedule"] is False
    assert is_seen(since=timedelta(seconds=150)) is True
    assert is_seen(since=timedelta(seconds=181)) is False


def test_a_worker_that_starts_and_does_no_job_gives_no_sign_of_life(app, client, new_timetable):
    from app.background import worker

    new_timetable(clock.utc_now())
    with app.app_context():
        worker._prepare()
        waiting = queues.queue(queues.URGENT)
        jobs = [job.func_name for job in waiting.jobs]
    before = client.get("/readyz").json["checks"]
    liveness = Liveness(app.config["REDIS_URL"])

    with app.app_context():
        one = worker.PortalWorker([waiting], connection=waiting.connection, job_class=worker.PortalJob)
        one.liveness = liveness
        one.work(burst=True, logging_level="WARNING")

    after = client.get("/readyz").json["checks"]
    liveness.end(forget=True)
    told = client.get("/readyz").json["checks"]
    assert jobs == ["jobs.heartbeat.beat"]
    assert [(each["worker"], each["schedule"]) for each in (before, after, told)] == [
        (False, False),
        (True, True),
        (False, True),
    ]


def test_readyz_sees_a_redis_that_answers_and_takes_nothing(app, client, monkeypatch):
    whole = app.extensions["redis"]
    whole.execute_command(
        "ACL", "SETUSER", "reader", "on", "nopass", "~*", "+ping", "+get", "+select", "+client|setinfo"
    )
    options = whole.connection_pool.connection_kwargs | {"username": "reader", "password": "any"}
    reader = Redis(connection_pool=ConnectionPool(whole.connection_pool.connection_class, **options))

    with_all = client.get("/readyz").json["checks"]["redis"]
    monkeypatch.setitem(app.extensions, "redis", reader)

    assert reader.ping() is True
    assert (with_all, client.get("/readyz").json["checks"]["redis"]) == (True, False)
