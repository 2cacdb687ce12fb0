"""How a run is ended by SIGINT (Ctrl-C) or SIGTERM."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class StoppedError(Exception):
    """A wait was ended because the run is to end."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: by KeyboardInterrupt."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Stop:
    """Notes that the run is to end, so that it can finish what it is at; a second signal raises KeyboardInterrupt.

    A pipe and not an Event: a handler that runs inside Event.wait() and calls set() could wait for itself.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._ear, self._mouth = os.pipe()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._ear)
        os.close(self._mouth)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until the run is to end."""
        if not self.wanted:
            select.select([self._ear], [], [], seconds)

    def wait_or_raise(self, seconds: float) -> None:
        """Wait.

        :raises StoppedError: the run is to end.
        """
        self.wait(seconds)
        if self.wanted:
            raise StoppedError

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
        os.write(self._mouth, b"!")
