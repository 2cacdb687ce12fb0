"""Shows on standard error how far a long run came, and what it has to say meanwhile.

On a terminal that is one line, drawn again and again; elsewhere, as in a journal, a line now and then. A run that is over soon shows
nothing.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

_FIRST = 2.0  # seconds
_ON_TERMINAL, _ELSEWHERE = 0.25, 10.0


class Progress:
    """The display of one run; a context manager that takes its line away at the end.

    :param text: what to show, asked for whenever it is drawn; given the seconds since the start.
    :param quiet: show nothing but what is said with ``say``.
    :param clock: seconds from any start.
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
        self._next = self._started + _FIRST
        self._shown = ""
        self._drawn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._wipe()

    def show(self, text: Callable[[float], str]) -> None:
        """Show another text from here on, with seconds that count from here."""
        self._text, self._started = text, self._clock()

    def tick(self) -> None:
        """Draw if it is time to; to be called as often as anything happens."""
        now = self._clock()
        if self._quiet or now < self._next:
            return
        self._next = now + (_ON_TERMINAL if self._terminal else _ELSEWHERE)
        text = self._text(now - self._started)
        if text == self._shown:
            return
        self._shown = text
        if self._terminal:
            self._redraw(text)
        else:
            print(text, file=self._stream, flush=True)

    def say(self, sentence: str) -> None:
        """Write a sentence on a line of its own; also when quiet, for it is no progress."""
        self._wipe()
        # The name of a file may be anything.
        plain = "".join(char if char.isprintable() else "?" for char in sentence)
        print(plain, file=self._stream, flush=True)

    def _redraw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + text.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(text)

    def _wipe(self) -> None:
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._stream.flush()
            self._drawn, self._shown = 0, ""
