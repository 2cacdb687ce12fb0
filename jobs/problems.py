"""Errors of steps that do not depend on each other, such as those of several tenants in one job."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rq.timeouts import BaseTimeoutException

from jobs.job import describe

log = logging.getLogger("portal.job")


class Problems:
    """The errors of the steps that have failed so far."""

    def __init__(self) -> None:
        self._found: list[Exception] = []

    @contextmanager
    def kept(self, message: str, **of_step: object) -> Iterator[None]:
        """Log and keep an error of the block, so that the next steps are still done.

        :param message: what is logged if the block fails.
        :param of_step: what identifies the step in the log.
        :raises BaseTimeoutException: the whole job has timed out; the next run does the rest.
        """
        try:
            yield
        except BaseTimeoutException:
            raise
        except Exception as problem:  # noqa: BLE001  (the other steps do not depend on this one)
            log.error(message, extra={**of_step, "error": describe(problem)})  # noqa: TRY400  (the message may quote data)
            self._found.append(problem)

    def raise_first(self) -> None:
        """Raise the first error, if there was any.

        :raises Exception: the error.
        """
        if self._found:
            raise self._found[0]
