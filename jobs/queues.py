"""The queues by urgency, and the settings of all jobs.

A job processes a batch (all that is due), never one row, since a worker can run only about a hundred jobs a second.
"""

from __future__ import annotations

from typing import Any

from flask import current_app
from redis import Redis
from rq import Queue
from rq.job import Job

from models import request_id

URGENT = "urgent"
"""For the tick, the heartbeat and reboots: short jobs that must not be delayed."""

DEFAULT = "default"
"""For jobs that a user is waiting for."""

PERIODIC = "periodic"
"""For scheduled jobs that no user is waiting for."""

BY_URGENCY = (URGENT, DEFAULT, PERIODIC)
"""The order in which a worker polls the queues."""

JOB_TIMEOUT = 120
"""The maximum duration of a job in seconds. With a single worker, the heartbeat waits for a running job, and
``/readyz`` tolerates only three minutes without one. Longer work is split, with the rest left to the next run."""

REQUEST_ID = "request_id"
"""The entry of a job's ``meta`` with the ID of the request that it was enqueued for."""

TRACE = "trace"
"""The entry with the headers of that request's trace (app/tracing.py)."""

RESULT_TTL = 90
"""Seconds a finished job is kept in Redis, so that a second tick in the same minute does not enqueue it again."""

FAILURE_TTL = 24 * 3600
"""Seconds a failed job is kept in Redis, for inspection."""

RENAMED = {"jobs.links.remove_old": "jobs.expired_links.remove_old"}
"""The old dotted path of each renamed job and its new one, so that jobs enqueued before an upgrade still run."""

LIMITS = {"job_timeout": JOB_TIMEOUT, "result_ttl": RESULT_TTL, "failure_ttl": FAILURE_TTL}
"""The arguments for enqueuing any job."""


def queue(name: str) -> Queue:
    """Return a queue of the current app.

    :param name: one of ``BY_URGENCY``.
    :raises ValueError: there is no such queue.
    """
    if name not in BY_URGENCY:
        raise ValueError(f"There is no queue {name!r}; the queues are {', '.join(BY_URGENCY)}.")
    return Queue(name, connection=current_app.extensions["redis"])


def enqueue(name: str, job: str, *, connection: Redis | None = None, **options: Any) -> Job:
    """Enqueue a job with the limits of all jobs, and with the ID and the trace of the current request.

    :param name: the queue, one of ``BY_URGENCY``.
    :param job: the dotted path of its function.
    :param connection: the app's, if it is not given.
    :param options: further arguments of RQ's ``Queue.enqueue``.
    :raises redis.exceptions.RedisError: Redis is unavailable.
    """
    waiting = queue(name) if connection is None else Queue(name, connection=connection)
    return waiting.enqueue(job, meta=_origin(), **LIMITS, **options)


def _origin() -> dict[str, Any]:
    """Return what the job has to know of the request, or of the job, that enqueues it."""
    tracing = current_app.extensions.get("tracing")
    trace = tracing.carry() if tracing is not None else None
    found = {REQUEST_ID: request_id.current(), TRACE: trace}
    return {key: value for key, value in found.items() if value}
