"""Reads the records of a complete log file, in bounded memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from app.shipper.decompression import DecompressedFile, decoded_text

R = TypeVar("R")

MAX_LISTED = 10
MAX_RECORD = 1024 * 1024  # characters

BLANK = "\ufeff\0 \t\r\n"
"""Characters that may surround a record without meaning."""


class UnreadableRecordError(Exception):
    """A record cannot be read; the text is the reason."""


def too_long(max_record: int) -> str:
    """Return the reason for a record that exceeds the maximum length."""
    return f"longer than {max_record:,} characters"


class LogReader(ABC, Generic[R]):
    """Reads the records of one file; can be iterated several times.

    :param tick: called for each record, to update a progress display.
    :ivar records: number of records that were read in the last iteration.
    :ivar unreadable: number of records that could not be read.
    :ivar problems: line or record number and reason of the first unreadable records.
    :ivar damage: why the end of the file could not be read, or None.
    """

    def __init__(self, path: Path, *, tick: Callable[[], object] = lambda: None) -> None:
        self.path = path
        self._tick = tick
        self._reset()

    def _reset(self) -> None:
        self.records = 0
        self.unreadable = 0
        self.problems: list[str] = []
        self.damage: str | None = None
        self._file = DecompressedFile(self.path)

    @property
    def share(self) -> float:
        """Fraction of the file that was read in the current iteration, 0 to 1."""
        return self._file.taken / self._file.size if self._file.size else 0.0

    @abstractmethod
    def __iter__(self) -> Iterator[R]:
        """Yield each record that can be read.

        :raises app.shipper.decompression.UnsupportedFileError: the file is an archive.
        :raises OSError: the file cannot be read.
        """

    def count_unreadable(self, where: str, reason: str) -> None:
        """Count an unreadable record, and list it if it is one of the first."""
        self.unreadable += 1
        self._tick()
        if len(self.problems) < MAX_LISTED:
            self.problems.append(f"{where}: {reason}")

    def _read(self, record: R) -> R:
        self.records += 1
        self._tick()
        return record


class LineReader(LogReader[R]):
    """Reads a file with one record on each line.

    :param records_in: returns the record of a line, as an iterator; a line without text has none.
    """

    def __init__(
        self,
        path: Path,
        records_in: Callable[[str], Iterator[R | UnreadableRecordError]],
        *,
        tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(path, tick=tick)
        self._records_in = records_in

    def __iter__(self) -> Iterator[R]:
        """Yield the record of each line that can be read."""
        self._reset()
        file = self._file
        for number, line in enumerate(_lines(decoded_text(file)), 1):
            if line is None:
                self.count_unreadable(f"line {number}", too_long(MAX_RECORD))
                continue
            for record in self._records_in(line):
                if isinstance(record, UnreadableRecordError):
                    self.count_unreadable(f"line {number}", str(record))
                else:
                    yield self._read(record)
        self.damage = file.damage or self.damage


def _lines(chunks: Iterator[str]) -> Iterator[str | None]:
    """Yield the lines of a text; None in place of one that is too long.

    Only a line feed ends a line: texts in a record may contain other characters that Python takes for line ends.
    """
    parts: list[str] = []
    length = 0
    for chunk in chunks:
        *ended, rest = chunk.split("\n")
        for end in ended:
            length += len(end)
            yield "".join([*parts, end]) if length <= MAX_RECORD else None
            parts, length = [], 0
        length += len(rest)
        parts = [*parts, rest] if length <= MAX_RECORD else []
    if length:
        yield "".join(parts) if length <= MAX_RECORD else None
