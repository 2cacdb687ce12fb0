"""For processes that run for ever: told to stop they stop, and while Redis or PostgreSQL is away they wait for it."""

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
"""Seconds before the work is begun again; doubled each time up to the last."""

LAST_DELAY = 15.0

HEALTHY_AFTER = 60.0
"""Work that went on for so many seconds was healthy: the delays start over."""

log = logging.getLogger("portal.process")


class Stop:
    """Whether this process was told to end."""

    def __init__(self) -> None:
        self.requested = False

    def listen(self) -> None:
        """Let SIGTERM and SIGINT end what is being done, at once."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._raise)

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        raise StopRequested


def keep_up(name: str, work: Callable[[Stop], object]) -> None:
    """Do work until the process is told to stop, and begin again whenever it ends by itself.

    :param name: for the log.
    :param work: may put its own signal handlers in place, which then have to set ``requested``.
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
            # SchedulerNotFound: RQ's cron signs off from a Redis that has forgotten it meanwhile.
            except (RedisError, SQLAlchemyError, JobFailed, SchedulerNotFound) as problem:
                error = describe(problem)
            stop.listen()
            if stop.requested:
                break
            if time.monotonic() - began > HEALTHY_AFTER:
                delay = FIRST_DELAY
            log.warning(
                "ended by itself, beginning again", extra={"program": name, "error": error, "again_in_s": delay}
            )
            time.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)
    except StopRequested:
        pass
    log.info("stopped", extra={"program": name})
