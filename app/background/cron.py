"""``flask portal cron``: enqueue the tick every minute.

RQ's cron does not lock. It only enqueues the tick, which is safe to run twice, so cron can run on several hosts for
redundancy.
"""

from __future__ import annotations

import logging
from types import FrameType

from flask import current_app
from rq.cron import CronScheduler

from app import logs
from app.background.run_forever import Stop, run_until_stopped
from jobs import queues
from jobs.tick import tick

EVERY = 60
"""Seconds between two ticks."""


class PortalCron(CronScheduler):
    """RQ's cron that also reports a stop request to ``run_until_stopped``."""

    stop: Stop | None = None

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        if self.stop:
            self.stop.requested = True
        super()._request_stop(signum, frame)


def run() -> None:
    """Enqueue ticks until SIGTERM or SIGINT."""
    logs.configure()
    logging.getLogger("rq.cron").setLevel(logging.WARNING)
    run_until_stopped("cron", _schedule)


def _schedule(stop: Stop) -> None:
    cron = PortalCron(current_app.extensions["redis"])
    cron.stop = stop
    ticks = cron.register(
        tick,
        queues.URGENT,
        # On the full minute, when the entries of the schedule become due.
        cron="* * * * *",
        job_timeout=EVERY,
        # Ticks must not pile up while no worker is running; a single later one does the same work.
        ttl=EVERY,
        result_ttl=EVERY,
        failure_ttl=queues.FAILURE_TTL,
    )
    ticks.enqueue(cron.connection)  # entries that became due during downtime need not wait for the full minute
    cron.start()
