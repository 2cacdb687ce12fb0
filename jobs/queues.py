"""The queues by urgency, and what holds for every job in them.

A job is a batch (all that is due), never one row: a worker does about a hundred jobs a second.
"""

from __future__ import annotations

from flask import current_app
from rq import Queue

URGENT = "urgent"
"""The tick and the heartbeat: short, and late when they wait."""

DEFAULT = "default"
"""What somebody waits for."""

PERIODIC = "periodic"
"""What the timetable starts and nobody waits for."""

BY_URGENCY = (URGENT, DEFAULT, PERIODIC)
"""The order in which a worker looks into them."""

JOB_TIMEOUT = 120
"""Seconds a job may take. With one worker the heartbeat waits behind a job, and must not be missed for longer than
``/readyz`` waits for one (three minutes). What takes longer does a part and leaves the rest to its next run."""

RESULT_TTL = 90
"""Seconds a finished job is kept in Redis: while it is, a second tick of the same minute does not start it again."""

FAILURE_TTL = 24 * 3600
"""Seconds a failed job is kept in Redis, to be looked at."""

RENAMED = {"jobs.links.remove_old": "jobs.expired_links.remove_old"}
"""Former dotted name of a job -> its present one: what was queued before an upgrade runs after it."""

LIMITS = {"job_timeout": JOB_TIMEOUT, "result_ttl": RESULT_TTL, "failure_ttl": FAILURE_TTL}
"""What every job is put into its queue with."""


def queue(name: str) -> Queue:
    """A queue of the current app.

    :param name: one of ``BY_URGENCY``.
    :raises ValueError: no worker looks into a queue of this name.
    """
    if name not in BY_URGENCY:
        raise ValueError(f"There is no queue {name!r}; the queues are {', '.join(BY_URGENCY)}.")
    return Queue(name, connection=current_app.extensions["redis"])
