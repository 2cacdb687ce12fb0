"""``flask portal worker``: run jobs one after the other in this process.

RQ's standard worker forks for each job, which costs 20 ms and shares the parent's connections; this one does not fork.
To run jobs in parallel, start several worker processes.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from types import FrameType
from typing import Any

from flask import current_app, g
from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError
from rq.executions import Execution
from rq.job import Job
from sqlalchemy.orm import Session

from app import logs
from app.background.liveness import Liveness
from app.background.run_forever import Stop, run_until_stopped
from jobs import queues
from jobs.job import JobFailed
from models import clock, request_id
from models.db import db
from models.operations import schedule

WORKER_TTL = 60
"""Seconds after which RQ considers a silent worker gone. It also limits how long a worker waits for a reply when the
host of Redis has disappeared."""


log = logging.getLogger("portal.job")


class PortalJob(Job):
    """A job whose function may have been renamed after it was enqueued."""

    _func_name: Any

    def _deserialize_data(self) -> None:
        super()._deserialize_data()
        self._func_name = queues.RENAMED.get(self._func_name, self._func_name)


class PortalWorker(SimpleWorker):
    """RQ's worker with an application context around each job."""

    max_connection_wait_time = 5.0
    stop: Stop | None = None
    liveness: Liveness | None = None
    progress = math.inf

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run a job in an application context of its own, which also limits the life of the database session."""
        with current_app.app_context(), self._origin_of(job):
            done = super().perform_job(job, queue, execution)
            if not done and (tracing := current_app.extensions.get("tracing")) is not None:
                tracing.record_failure()
        if self.liveness is not None:
            self.liveness.begin(self)
        return done

    @contextmanager
    def _origin_of(self, job: Job) -> Iterator[None]:
        """Let the log lines of a job have the ID of its request, and its trace be part of the request's."""
        try:
            meta, name = job.get_meta(refresh=False), job.func_name
        except DeserializationError:
            # RQ reports it when it runs the job.
            meta, name = {}, "unknown"
        request_id.enter(meta.get(queues.REQUEST_ID))
        g.job = {"job": name, "job_id": job.id}
        tracing = current_app.extensions.get("tracing")
        try:
            with tracing.job(name, job.origin, meta) if tracing is not None else nullcontext():
                yield
        finally:
            request_id.enter(None)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Tell RQ that the worker is there. RQ calls this before and after each job, and while it waits for one."""
        self.progress = time.monotonic()
        super().heartbeat(timeout, pipeline)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log errors outside the job's function. Errors inside it are logged there.

        RQ would log the job's arguments and the message of the exception, which may contain personal data.
        """
        if not isinstance(exc_info[1], JobFailed):
            log.error("job not run", exc_info=exc_info, extra={"queue": job.origin, "outcome": "failed"})

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the current job, or immediately if there is none."""
        if self.stop:
            self.stop.requested = True
        super().request_stop(signum, frame)

    def subscribe(self) -> None:
        """Do not subscribe to commands: none are used, and the listening thread does not survive every outage."""


def run() -> None:
    """Run jobs until SIGTERM or SIGINT."""
    logs.configure()
    liveness = Liveness(current_app.config["REDIS_URL"])
    run_until_stopped("worker", partial(_work, liveness=liveness))


def _work(stop: Stop, liveness: Liveness) -> None:
    # A separate connection, because RQ raises its timeouts to wait for jobs.
    with Redis.from_url(current_app.config["REDIS_URL"], socket_connect_timeout=5) as connection:
        worker = PortalWorker(queues.BY_URGENCY, connection=connection, job_class=PortalJob, worker_ttl=WORKER_TTL)
        worker.stop = stop
        worker.liveness = liveness
        _prepare()
        try:
            worker.work(logging_level="WARNING")
        finally:
            liveness.end(forget=stop.requested)


def _prepare() -> None:
    """Reconcile the schedule with this version, and enqueue a heartbeat, so that ``/readyz`` reports the worker at once.

    The heartbeat is an ordinary job, so that a worker that keeps restarting without ever running a job is not reported.
    """
    with Session(db.engine) as session, session.begin():
        schedule.reconcile(session, now=clock.utc_now())
    # With a TTL, because the heartbeats of a worker that keeps restarting must not pile up.
    queues.enqueue(queues.URGENT, "jobs.heartbeat.beat", ttl=WORKER_TTL)
