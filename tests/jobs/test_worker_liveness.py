"""What the notes of workers say: whether one is running, and whether they die one after the other."""

from __future__ import annotations

import time

import pytest

from app.background.liveness import STUCK_AFTER, Liveness
from jobs import worker_liveness


class Clock:
    """The time of the Redis server, moved by the test."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self, _connection) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(worker_liveness, "server_time", clock)
    return clock


@pytest.fixture
def redis(app):
    return app.extensions["redis"]


class Fleet:
    """Workers that note every few seconds that they are there."""

    def __init__(self, redis, clock) -> None:
        self._redis, self._clock = redis, clock
        self._since: dict[str, float] = {}

    def start(self, name: str) -> None:
        self._since[name] = self._clock.now
        worker_liveness.record(self._redis, name, since=self._clock.now)

    def die(self, name: str) -> None:
        del self._since[name]

    def live(self, seconds: float) -> None:
        end = self._clock.now + seconds
        while self._clock.now < end:
            self._clock.now = min(end, self._clock.now + worker_liveness.EVERY)
            for name, since in self._since.items():
                worker_liveness.record(self._redis, name, since=since)

    @property
    def healthy(self) -> bool:
        return worker_liveness.read(self._redis).healthy


@pytest.fixture
def fleet(redis, clock):
    return Fleet(redis, clock)


def test_without_a_note_no_worker_runs(fleet, redis):
    assert fleet.healthy is False
    assert worker_liveness.read(redis).silence is None


def test_a_worker_runs_from_its_first_note_on(fleet):
    fleet.start("one")

    assert fleet.healthy is True


def test_a_worker_that_died_is_missed_within_a_minute(fleet):
    fleet.start("one")
    fleet.live(300)
    fleet.die("one")
    fleet.live(15)
    early = fleet.healthy
    fleet.live(15)

    assert (early, fleet.healthy) == (True, False)


def test_a_worker_that_is_told_to_stop_is_missed_at_once(fleet, redis):
    fleet.start("one")
    worker_liveness.forget(redis, "one")

    assert fleet.healthy is False


@pytest.mark.parametrize("pause", [3, 8, 15, 30])
def test_workers_that_die_in_a_loop_are_reported_within_a_minute_and_not_trusted_again(fleet, pause):
    reported = []
    for number in range(600 // (pause + 2)):
        fleet.start(f"worker-{number}")
        fleet.live(2)
        fleet.die(f"worker-{number}")
        fleet.live(pause)
        reported.append((number * (pause + 2), fleet.healthy))

    assert [healthy for seconds, healthy in reported if seconds >= 60] == [False] * sum(
        seconds >= 60 for seconds, _ in reported
    )


def test_a_worker_that_stays_after_a_loop_is_trusted_after_a_minute(fleet):
    for number in range(5):
        fleet.start(f"worker-{number}")
        fleet.live(2)
        fleet.die(f"worker-{number}")
        fleet.live(8)
    fleet.start("last")
    fleet.live(30)
    early = fleet.healthy
    fleet.live(30)

    assert (early, fleet.healthy) == (False, True)


def test_one_death_among_workers_that_run_is_no_reason_to_report(fleet):
    fleet.start("one")
    fleet.start("two")
    fleet.live(300)
    fleet.die("one")
    found = []
    for _ in range(24):
        fleet.live(5)
        found.append(fleet.healthy)

    assert found == [True] * 24


def test_one_killed_worker_that_is_started_again_is_trusted_at_once(fleet):
    fleet.start("one")
    fleet.live(300)
    fleet.die("one")
    fleet.live(10)
    fleet.start("two")
    found = []
    for _ in range(24):
        fleet.live(5)
        found.append(fleet.healthy)

    assert found == [True] * 24


def test_the_dead_are_forgotten(fleet, redis):
    fleet.start("one")
    fleet.live(10)
    fleet.die("one")
    fleet.start("two")
    fleet.live(200)

    assert redis.hkeys("portal:workers") == [b"two"]


class Worker:
    def __init__(self, silent_for: float) -> None:
        self.progress = time.monotonic() - silent_for


@pytest.mark.parametrize(("silent_for", "running"), [(0, 1), (STUCK_AFTER - 30, 1), (STUCK_AFTER + 1, 0)])
def test_a_long_job_keeps_a_worker_alive_and_a_stuck_one_says_nothing(app, redis, silent_for, running):
    liveness = Liveness(app.config["REDIS_URL"])
    liveness.begin(Worker(silent_for))
    found = worker_liveness.read(redis).running
    liveness.end(forget=True)

    assert (found, worker_liveness.read(redis).running) == (running, 0)


def test_a_note_that_redis_refuses_does_not_end_the_thread(app, redis, monkeypatch):
    monkeypatch.setattr(worker_liveness, "EVERY", 0.02)
    liveness = Liveness(app.config["REDIS_URL"])
    redis.set("portal:workers", "not a hash")
    liveness.begin(Worker(0))
    redis.delete("portal:workers")

    deadline = time.monotonic() + 30
    while not worker_liveness.read(redis).running and time.monotonic() < deadline:
        time.sleep(0.02)
    found = worker_liveness.read(redis).running
    liveness.end(forget=True)

    assert found == 1
