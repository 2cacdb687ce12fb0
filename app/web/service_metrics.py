"""Figures of the whole service for ``/metrics``, read from the database and Redis when somebody asks.

Every web process returns the same. If the database or Redis does not respond, its figures are left out, and
``portal_up`` says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from jobs import queue_figures, worker_liveness
from jobs.job import describe
from models import clock, scope
from models.overview import service_figures
from models.overview.service_figures import ServiceFigures

KEPT_FOR = 10.0
"""Seconds for which the figures are kept, so that many scrapers, or a server that does not respond, cost little."""

TIMEOUT = 2.0
"""Seconds for a response of Redis."""

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Register the collector for ``/metrics``, with a connection to Redis of its own: short timeouts, no retries."""
    connection = Redis.from_url(
        app.config["REDIS_URL"],
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )
    app.extensions["service_metrics"] = ServiceMetrics(app, connection)


class ServiceMetrics:
    """Collects the figures; a collector of prometheus_client.

    :param connection: a connection to Redis with short timeouts.
    :ivar kept_for: ``KEPT_FOR``; tests set it to 0.
    """

    def __init__(self, app: Flask, connection: Redis) -> None:
        self._app = app
        self._connection = connection
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = 0.0
        self.kept_for = KEPT_FOR

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, at most ``KEPT_FOR`` seconds old."""
        # Others wait for the one that reads, instead of also asking a server that may not respond.
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = self._read()
                self._until = time.monotonic() + self.kept_for
            return self._kept

    def _read(self) -> list[Metric]:
        up = GaugeMetricFamily("portal_up", "Whether a service that the portal needs responds.", labels=["service"])
        found: list[Metric] = [up]
        for service, read, errors in (
            ("database", self._database, SQLAlchemyError),
            ("redis", self._redis, RedisError),
        ):
            try:
                found += read()
                up.add_metric([service], 1)
            except errors as problem:
                log.warning("no figures", extra={"service": service, "error": describe(problem)})
                up.add_metric([service], 0)
        return found

    def _database(self) -> list[Metric]:
        # A context of its own, so that a failure has no effect on the session of the request.
        with self._app.app_context(), scope.all_tenants("figures of the whole service have no tenant") as session:
            now = clock.utc_now()
            figures = service_figures.read(session, now=now, online_for=self._app.config["UTM_ONLINE_FOR"])
        return list(_of_database(figures))

    def _redis(self) -> list[Metric]:
        return list(_of_redis(self._connection))


def _of_database(figures: ServiceFigures) -> Iterator[Metric]:
    utms = _gauge("portal_utms", "UTMs by connection state.", "state")
    for state, number in figures.utms.items():
        utms.add_metric([state], number)
    yield utms
    mails = _gauge("portal_mails", "Messages of the outbox that are waiting or have failed for good.", "state")
    mails.add_metric(["waiting"], figures.mails_waiting)
    mails.add_metric(["failed"], figures.mails_failed)
    yield mails
    yield _value("portal_oldest_waiting_mail_seconds", "Age of the oldest waiting message.", figures.oldest_mail)
    finished = _gauge("portal_task_finished_timestamp_seconds", "When a scheduled job last ended, since 1970.", "task")
    failed = _gauge("portal_task_failed", "Whether the last run of a scheduled job failed.", "task")
    seconds = _gauge("portal_task_seconds", "Duration of the last run of a scheduled job.", "task")
    overdue = _gauge(
        "portal_task_overdue_seconds", "For how long a scheduled job has been due and not started.", "task"
    )
    for task in figures.tasks:
        if task.finished_at is not None:
            finished.add_metric([task.name], task.finished_at.timestamp())
        if task.seconds is not None:
            seconds.add_metric([task.name], task.seconds)
        failed.add_metric([task.name], task.failed)
        overdue.add_metric([task.name], task.overdue)
    yield from (finished, failed, seconds, overdue)


def _of_redis(connection: Redis) -> Iterator[Metric]:
    queues, runs = queue_figures.read(connection)
    jobs = GaugeMetricFamily("portal_queue_jobs", "Jobs of a queue by state.", labels=["queue", "state"])
    for queue in queues:
        jobs.add_metric([queue.name, "waiting"], queue.waiting)
        jobs.add_metric([queue.name, "started"], queue.started)
        jobs.add_metric([queue.name, "failed"], queue.failed)
    yield jobs
    outcomes = CounterMetricFamily("portal_job_runs", "Runs of jobs by outcome.", labels=["job", "outcome"])
    seconds = HistogramMetricFamily("portal_job_seconds", "Duration of the runs of a job.", labels=["job"])
    for name, run in runs.items():
        for outcome, number in run.outcomes.items():
            outcomes.add_metric([name, outcome], number)
        seconds.add_metric([name], [*run.buckets], run.seconds)
    yield from (outcomes, seconds)
    workers = worker_liveness.read(connection)
    yield _value("portal_workers", "Workers that are running.", workers.running)
    yield _value("portal_workers_died", "Workers that died in the last minutes.", workers.died)
    if workers.silence is not None:
        yield _value("portal_worker_silence_seconds", "Age of the last sign of life of a worker.", workers.silence)


def _gauge(name: str, about: str, label: str) -> Any:
    return GaugeMetricFamily(name, about, labels=[label])


def _value(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)
