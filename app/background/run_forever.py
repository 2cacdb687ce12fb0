"""Run long-lived processes: stop them on a signal, and restart their work when Redis or PostgreSQL is unavailable."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from types import FrameType

from redis.exceptions import RedisError
from rq.exceptions import SchedulerNotFound, StopRequested
from sqlalchemy.exc import SQLAlchemyError

from jobs.job import JobFailed, describe

FIRST_DELAY = 1.0
"""Seconds before the first restart; doubled for each further one, up to ``LAST_DELAY``."""

LAST_DELAY = 15.0

HEALTHY_AFTER = 60.0
"""Seconds after which running work counts as healthy, so that the delay is reset."""

log = logging.getLogger("portal.process")


class Stop:
    """A request to stop this process.

    :ivar requested: whether the process was asked to stop.
    """

    def __init__(self) -> None:
        self.requested = False

    def listen(self) -> None:
        """Handle SIGTERM and SIGINT by interrupting the current work immediately."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._raise)

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        raise StopRequested


def run_until_stopped(name: str, work: Callable[[Stop], object]) -> None:
    """Run work until the process is asked to stop, and restart it whenever it ends.

    :param name: the name of the process in the log.
    :param work: may install its own signal handlers, which then have to set ``requested``.
    """
    stop = Stop()
    delay = FIRST_DELAY
    stop.listen()
    log.info("started", extra={"program": name})
    try:
        while not stop.requested:
            began = time.monotonic()
            error = None
            try:
                work(stop)
            # SchedulerNotFound: RQ's cron deregisters from a Redis that has lost its data in the meantime.
            except (RedisError, SQLAlchemyError, JobFailed, SchedulerNotFound) as problem:
                error = describe(problem)
            stop.listen()
            if stop.requested:
                break
            if time.monotonic() - began > HEALTHY_AFTER:
                delay = FIRST_DELAY
            log.warning("ended unexpectedly, restarting", extra={"program": name, "error": error, "again_in_s": delay})
            time.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)
    except StopRequested:
        pass
    log.info("stopped", extra={"program": name})
