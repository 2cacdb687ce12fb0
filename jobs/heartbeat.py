"""The heartbeat of the workers."""

from __future__ import annotations

from jobs.job import job
from models.errors import N_
from models.operations.schedule import Entry, every

SCHEDULE = (Entry("heartbeat", N_("Worker heartbeat"), "jobs.heartbeat.beat", every(1), queue="urgent"),)


@job(entry="heartbeat", quiet=True)
def beat() -> None:
    """Record that cron and a worker are running. Its only effect is the recorded end, whose age ``/readyz`` checks."""
