"""``flask portal cron``: asks every minute what is due.

RQ's cron takes no lock, so it starts nothing but the tick, of which two do what one does: run it on as many hosts as
are to survive one another.
"""

from __future__ import annotations

import logging
from types import FrameType

from flask import current_app
from rq.cron import CronScheduler

from app import logs
from app.background.run_forever import Stop, keep_up
from jobs import queues
from jobs.tick import tick

EVERY = 60
"""Seconds between two ticks."""


class PortalCron(CronScheduler):
    """RQ's cron, which also tells ``keep_up`` that it was asked to stop."""

    stop: Stop | None = None

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        if self.stop:
            self.stop.requested = True
        super()._request_stop(signum, frame)


def run() -> None:
    """Enqueue ticks until SIGTERM or SIGINT."""
    logs.configure()
    logging.getLogger("rq.cron").setLevel(logging.WARNING)
    keep_up("cron", _schedule)


def _schedule(stop: Stop) -> None:
    cron = PortalCron(current_app.extensions["redis"])
    cron.stop = stop
    ticks = cron.register(
        tick,
        queues.URGENT,
        # On the full minute, when the entries of the timetable become due.
        cron="* * * * *",
        job_timeout=EVERY,
        # While no worker is there the ticks must not pile up: the next one does what this one would have done.
        ttl=EVERY,
        result_ttl=EVERY,
        failure_ttl=queues.FAILURE_TTL,
    )
    ticks.enqueue(cron.connection)  # what became due while nothing ran does not wait for the full minute
    cron.start()
