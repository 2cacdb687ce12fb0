"""``flask portal worker``: does the jobs, one after the other, in this process.

RQ's usual worker forks for each job, which costs 20 ms and shares the connections of the parent; this one does not.
A second worker is a second process.
"""

from __future__ import annotations

from contextlib import suppress
from types import FrameType
from typing import Any

from flask import current_app
from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import DuplicateJobError
from rq.executions import Execution
from rq.job import Job
from sqlalchemy.orm import Session

from app import logs
from app.background.run_forever import Stop, keep_up
from jobs import queues
from jobs.job import JobFailed
from models import clock
from models.db import db
from models.operations import schedule

WORKER_TTL = 60
"""Seconds after which a worker that is silent counts as gone in RQ's own lists, and so the longest it waits for an
answer of a Redis whose host is gone without a word."""


class PortalJob(Job):
    """A job whose function may have been renamed since it was queued."""

    def _deserialize_data(self) -> None:
        super()._deserialize_data()
        self._func_name = queues.RENAMED.get(self._func_name, self._func_name)


class PortalWorker(SimpleWorker):
    """RQ's worker with an application context around each job."""

    max_connection_wait_time = 5.0
    stop: Stop | None = None

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Do one job. Its context ends with it, and takes the database session along."""
        with current_app.app_context():
            return super().perform_job(job, queue, execution)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log what went wrong around a job; what goes wrong in one is logged there, without its data."""
        if not isinstance(exc_info[1], JobFailed):
            super().handle_exception(job, *exc_info)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """End after the job that is being done, at once when there is none."""
        if self.stop:
            self.stop.requested = True
        super().request_stop(signum, frame)

    def subscribe(self) -> None:
        """Listen to no commands: there are none, and the thread that listens does not survive every outage."""


def run() -> None:
    """Do jobs until SIGTERM or SIGINT."""
    logs.configure()
    keep_up("worker", _work)


def _work(stop: Stop) -> None:
    # A connection of its own: RQ lengthens the timeouts of the one it is given, to wait for jobs.
    with Redis.from_url(current_app.config["REDIS_URL"], socket_connect_timeout=5) as connection:
        worker = PortalWorker(queues.BY_URGENCY, connection=connection, job_class=PortalJob, worker_ttl=WORKER_TTL)
        worker.stop = stop
        _prepare()
        worker.work(logging_level="WARNING")


def _prepare() -> None:
    """Give the timetable the rows of this version, and let ``/readyz`` see at once that a worker does jobs.

    The sign of life goes through the queue like any other job: a worker that starts again and again, and never gets as far
    as doing one, must not look alive.
    """
    with Session(db.engine) as session, session.begin():
        schedule.reconcile(session, now=clock.utc_now())
    with suppress(DuplicateJobError):
        queues.queue(queues.URGENT).enqueue(
            "jobs.heartbeat.beat", job_id="heartbeat-at-start", unique=True, ttl=WORKER_TTL, **queues.LIMITS
        )
