"""Shows the progress of a long run, and its messages, on standard error.

On a terminal the progress is one line that is redrawn; elsewhere, for example in a journal, a new line every few seconds. A short run
shows no progress.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

_FIRST_DELAY = 2.0  # seconds
_TERMINAL_INTERVAL, _LOG_INTERVAL = 0.25, 10.0


class Progress:
    """The progress display of one run; a context manager that clears its line at the end.

    :param text: returns the text to show, given the seconds since the start.
    :param quiet: show no progress, only the messages of ``notify``.
    :param clock: returns a monotonic time in seconds.
    """

    def __init__(
        self,
        text: Callable[[float], str],
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._text = text
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._started = clock()
        self._next = self._started + _FIRST_DELAY
        self._last_text = ""
        self._drawn_width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._clear()

    def show(self, text: Callable[[float], str]) -> None:
        """Replace the text, and restart its seconds."""
        self._text, self._started = text, self._clock()

    def tick(self) -> None:
        """Update the display if it is due; to be called for each unit of work."""
        now = self._clock()
        if self._quiet or now < self._next:
            return
        self._next = now + (_TERMINAL_INTERVAL if self._terminal else _LOG_INTERVAL)
        text = self._text(now - self._started)
        if text == self._last_text:
            return
        self._last_text = text
        if self._terminal:
            self._draw(text)
        else:
            print(text, file=self._stream, flush=True)

    def notify(self, message: str) -> None:
        """Write a message on its own line, also when quiet."""
        self._clear()
        # File names may hold control characters.
        plain = "".join(char if char.isprintable() else "?" for char in message)
        print(plain, file=self._stream, flush=True)

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + text.ljust(self._drawn_width))
        self._stream.flush()
        self._drawn_width = len(text)

    def _clear(self) -> None:
        if self._drawn_width:
            self._stream.write("\r" + " " * self._drawn_width + "\r")
            self._stream.flush()
            self._drawn_width, self._last_text = 0, ""
