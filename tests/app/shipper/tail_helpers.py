"""Reads the lines of a log in a test, and rotates the log."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from app.shipper.position import Position
from app.shipper.source import Line
from app.shipper.tail import Tail


class TailReader:
    """A tail of a log, and its messages."""

    def __init__(self, path: Path, position: Position | None = None) -> None:
        self.messages: list[str] = []
        self.tail = Tail(path, position, self.messages.append)
        self.last: Line | None = None

    def lines(self) -> list[str | None]:
        found = list(self.tail.lines())
        self.last = found[-1] if found else self.last
        return [None if line.data is None else line.data.decode() for line in found]

    def position(self) -> Position:
        """Close the tail and return the position after the last line."""
        assert self.last is not None
        self.tail.close()
        return self.last.source.position(self.last.end)


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def compress(path: Path, pack: Callable[[bytes], bytes], suffix: str = ".gz") -> Path:
    """Compress a rotated file and keep its modification time, as gzip does."""
    compressed, when = path.with_name(path.name + suffix), path.stat().st_mtime_ns
    compressed.write_bytes(pack(path.read_bytes()))
    os.utime(compressed, ns=(when, when))
    path.unlink()
    return compressed


def rotate(path: Path, name: str = "eve.json.1", *, age: int = 10) -> Path:
    """Rename the log; ``age`` is the time in seconds since it was last written to."""
    old = path.rename(path.with_name(name))
    when = old.stat().st_mtime_ns - age * 1_000_000_000
    os.utime(old, ns=(when, when))
    return old
