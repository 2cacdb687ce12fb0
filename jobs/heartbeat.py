"""The sign of life of the workers."""

from __future__ import annotations

from jobs.job import job


@job(entry="heartbeat", quiet=True)
def beat() -> None:
    """Note that a worker is there. The note of its end is all it leaves: ``/readyz`` looks how old that is."""
