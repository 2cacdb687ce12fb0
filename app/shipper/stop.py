"""Handles SIGINT (Ctrl-C) and SIGTERM, which end a run."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class StoppedError(Exception):
    """A wait was cut short because a signal asked the run to end."""


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM, as Python does on SIGINT."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class StopSignal:
    """Records that SIGINT or SIGTERM arrived, so that the run can finish its current work; a second signal raises KeyboardInterrupt.

    Uses a pipe instead of threading.Event: a handler that runs inside Event.wait() and calls set() could deadlock.

    :ivar requested: whether a signal has arrived.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._read_end, self._write_end = os.pipe()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous_handlers[number] = signal.signal(number, self._handle_signal)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        os.close(self._read_end)
        os.close(self._write_end)

    def wait(self, seconds: float) -> None:
        """Wait that many seconds, or until a signal arrives."""
        if not self.requested:
            select.select([self._read_end], [], [], seconds)

    def wait_or_raise(self, seconds: float) -> None:
        """Wait that many seconds.

        :raises StoppedError: a signal arrived.
        """
        self.wait(seconds)
        if self.requested:
            raise StoppedError

    def _handle_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        os.write(self._write_end, b"!")
