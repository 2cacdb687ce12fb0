"""The queues by urgency, and the settings of all jobs.

A job processes a batch (all that is due), never one row, since a worker can run only about a hundred jobs a second.
"""

from __future__ import annotations

from flask import current_app
from rq import Queue

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
