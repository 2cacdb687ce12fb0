"""Figures of queues and jobs for ``/metrics``, in Redis, where workers on all hosts count together.

A run is counted in a hash: the runs of each job by outcome, and a histogram of their seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redis import Redis
from rq import Queue
from rq.utils import as_text

from jobs import queues

BUCKETS = (0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0)
"""The upper limits of the histogram, in seconds. No job takes longer than ``queues.JOB_TIMEOUT``."""

_KEY = "portal:job-runs"
_KEPT_FOR = 30 * 24 * 3600
_ABOVE = "+Inf"


@dataclass(frozen=True, slots=True)
class QueueState:
    """The numbers of waiting, running and failed jobs of a queue."""

    name: str
    waiting: int
    started: int
    failed: int


@dataclass(frozen=True, slots=True)
class JobRuns:
    """The runs of a job, as a histogram.

    :ivar outcomes: the number of runs by outcome, ``done`` or ``failed``.
    :ivar buckets: the number of runs that took at most so many seconds; the last limit is ``+Inf``.
    :ivar seconds: what all of them took together.
    """

    outcomes: Mapping[str, int]
    buckets: tuple[tuple[str, int], ...]
    seconds: float


def count_run(connection: Redis, job: str, *, failed: bool, seconds: float) -> None:
    """Count a run of a job.

    :param job: its dotted path.
    :raises redis.exceptions.RedisError: Redis is unavailable.
    """
    limit = next((str(each) for each in BUCKETS if seconds <= each), _ABOVE)
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.hincrby(_KEY, f"{job} {'failed' if failed else 'done'}")
        pipeline.hincrby(_KEY, f"{job} le {limit}")
        pipeline.hincrbyfloat(_KEY, f"{job} seconds", round(seconds, 3))
        # Renewed with every run, so that the numbers go with a portal that is no longer used.
        pipeline.expire(_KEY, _KEPT_FOR)
        pipeline.execute()


def read(connection: Redis) -> tuple[list[QueueState], dict[str, JobRuns]]:
    """Return the states of all queues, and the runs of all jobs by name, in one round trip.

    :raises redis.exceptions.RedisError: Redis is unavailable.
    """
    with connection.pipeline(transaction=False) as pipeline:
        for name in queues.BY_URGENCY:
            queue = Queue(name, connection=connection)
            pipeline.llen(queue.key)
            pipeline.zcard(queue.started_job_registry.key)
            pipeline.zcard(queue.failed_job_registry.key)
        pipeline.hgetall(_KEY)
        *counts, fields = pipeline.execute()
    states = [QueueState(name, *counts[3 * number : 3 * number + 3]) for number, name in enumerate(queues.BY_URGENCY)]
    return states, _runs({as_text(name): float(value) for name, value in fields.items()})


def _runs(fields: Mapping[str, float]) -> dict[str, JobRuns]:
    found = {}
    for job in sorted({name.partition(" ")[0] for name in fields}):
        total = 0
        buckets = []
        for limit in (*map(str, BUCKETS), _ABOVE):
            total += int(fields.get(f"{job} le {limit}", 0))
            buckets.append((limit, total))
        outcomes = {each: int(fields.get(f"{job} {each}", 0)) for each in ("done", "failed")}
        found[job] = JobRuns(outcomes, tuple(buckets), fields.get(f"{job} seconds", 0.0))
    return found
