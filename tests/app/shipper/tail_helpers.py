"""Reads the lines of a log inside a test, and does to the log what rotation does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from app.shipper.position import Position
from app.shipper.source import Line
from app.shipper.tail import Tail


class Reading:
    """A tail of a log, and what it said."""

    def __init__(self, path: Path, position: Position | None = None) -> None:
        self.said: list[str] = []
        self.tail = Tail(path, position, self.said.append)
        self.last: Line | None = None

    def lines(self) -> list[str | None]:
        found = list(self.tail.lines())
        self.last = found[-1] if found else self.last
        return [None if line.data is None else line.data.decode() for line in found]

    def position(self) -> Position:
        """Where the last line ends, as a run that is ended there remembers it."""
        assert self.last is not None
        self.tail.close()
        return self.last.source.position(self.last.end)


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def compress(path: Path, pack: Callable[[bytes], bytes], suffix: str = ".gz") -> Path:
    """Compress a file that was rotated away, as gzip and the like do: its time stays."""
    packed, when = path.with_name(path.name + suffix), path.stat().st_mtime_ns
    packed.write_bytes(pack(path.read_bytes()))
    os.utime(packed, ns=(when, when))
    path.unlink()
    return packed


def rotate(path: Path, name: str = "eve.json.1", *, age: int = 10) -> Path:
    """Rename the log away; ``age`` is for how many seconds nothing was written to it."""
    old = path.rename(path.with_name(name))
    when = old.stat().st_mtime_ns - age * 1_000_000_000
    os.utime(old, ns=(when, when))
    return old
