"""Reads Suricata's EVE output record by record, in bounded memory.

A file may hold JSON lines (what Suricata writes), a JSON array on one or many lines (what tools export), pretty-printed objects one
after another (what ``jq`` prints), or several of these; plain, gzip or bzip2; UTF-8 or UTF-16, with or without a byte order mark, LF
or CRLF. A record that cannot be read is counted and skipped, and the next one is found again (record.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app.shipper.decompression import PackedFile, texts
from app.shipper.record import (
    BLANK,
    DECODER,
    FIRST_KEY,
    MAX_OPEN_BRACKETS,
    MAX_RECORD,
    TOO_MANY_DIGITS,
    BrokenError,
    as_record,
    record_start,
    records_in,
    too_long,
)

MAX_PROBLEMS = 10

_BLANK = re.compile(r"[\s\ufeff]*")
_BLANK_OR_COMMA = re.compile(r"[\s,\ufeff]*")
_ARRAY_OF_RECORDS = re.compile(r"\[\s*[{\]]")
# An error this near to the end of the text in hand may only mean that the rest of the record is not there yet.
_NEAR_END = 16
_RESYNC_TAIL = 512


class _Window:
    """The part of the text that is in hand: ``text`` from ``at`` on. It grows at the end and is dropped at the start."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self.text = ""
        self.at = 0
        self.line = 1

    def more(self) -> bool:
        """Take in the next piece of text; False at the end of the file."""
        for text in self._texts:
            if text:
                self.text = self.text[self.at :] + text
                self.at = 0
                return True
        return False

    def advance(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def skip(self, blanks: re.Pattern[str]) -> bool:
        """Skip blanks; False at the end of the file."""
        while True:
            found = blanks.match(self.text, self.at)
            self.advance(found.end() if found else self.at)
            if self.at < len(self.text):
                return True
            if not self.more():
                return False


class EveReader:
    """The records of one EVE file; iterate over it, as often as needed.

    :param path: the file.
    :param max_record: the longest record that is read, in characters.
    :param tick: is called at every record, for a display of how far it came.
    :ivar records: how many records were read, as of the last iteration.
    :ivar unreadable: how many were not.
    :ivar problems: the first of these, each with its line or record number and the reason.
    :ivar damage: why the end of the file could not be read, or None.
    """

    def __init__(self, path: Path, *, max_record: int = MAX_RECORD, tick: Callable[[], object] = lambda: None) -> None:
        self.path = path
        self.max_record = max_record
        self._tick = tick
        self._reset()

    def _reset(self) -> None:
        self.records = 0
        self.unreadable = 0
        self.problems: list[str] = []
        self.damage: str | None = None
        self._packed = PackedFile(self.path)

    @property
    def share(self) -> float:
        """How much of the file was read in the iteration under way, 0 to 1."""
        return self._packed.taken / self._packed.size if self._packed.size else 0.0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each record that is a JSON object.

        :raises app.shipper.decompression.NotReadError: the file is an archive.
        :raises OSError: the file cannot be read.
        """
        self._reset()
        packed = self._packed
        window = _Window(texts(packed))
        while window.skip(_BLANK):
            while len(window.text) - window.at < _RESYNC_TAIL and window.more():
                pass
            if _ARRAY_OF_RECORDS.match(window.text, window.at):
                window.advance(window.at + 1)
                yield from self._array(window)
            else:
                yield from self._line(window)
        self.damage = packed.damage or self.damage

    def refuse(self, where: str, reason: str) -> None:
        """Count a record as unreadable, and remember it if it is one of the first."""
        self.unreadable += 1
        self._tick()
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(f"{where}: {reason}")

    def _line(self, window: _Window) -> Iterator[dict[str, Any]]:
        where = f"line {window.line}"
        searched = window.at
        while (end := window.text.find("\n", searched)) < 0:
            if len(window.text) - window.at > self.max_record:
                # Longer than any record: up to the last one that starts in it, it is read as a line of its own.
                start = record_start(window.text, window.at)
                starts = [found.start() for found in start.finditer(window.text, window.at + 1)]
                if not starts:
                    self.refuse(where, too_long(self.max_record))
                    return _skip_record(window, start)
                end = starts[-1]
                break
            known = len(window.text) - window.at
            if not window.more():
                end = len(window.text)
                break
            searched = known  # more() has moved the line to the start of the text
        line = window.text[window.at : end]
        if line.strip(BLANK) == "{":  # the first line of a pretty-printed object
            try:
                yield from self._record(window, where)
            except BrokenError as error:
                self.refuse(where, str(error))
                _skip_line(window)
            return None
        window.advance(end)
        for record in records_in(line, self.max_record):
            if isinstance(record, BrokenError):
                self.refuse(where, str(record))
            else:
                yield self._read(record)
        return None

    def _array(self, window: _Window) -> Iterator[dict[str, Any]]:
        number, start = 0, record_start("", 0)
        while window.skip(_BLANK_OR_COMMA):
            if window.text[window.at] == "]":
                window.advance(window.at + 1)
                return
            number += 1
            if FIRST_KEY.match(window.text, window.at):
                start = record_start(window.text, window.at)
            try:
                yield from self._record(window, f"record {number}")
            except BrokenError as error:
                self.refuse(f"record {number}", str(error))
                if not _resync(window, start):
                    return
        self.damage = "the array has no end; what came before was used"

    def _record(self, window: _Window, where: str) -> Iterator[dict[str, Any]]:
        """Read the value that starts here, which may go over many lines, and step behind it."""
        while (found := self._value(window)) is None:
            if len(window.text) - window.at > self.max_record:
                raise BrokenError(too_long(self.max_record))
            if not window.more():
                raise BrokenError("ends in the middle")
        value, end = found
        if end - window.at > self.max_record:
            raise BrokenError(too_long(self.max_record))
        window.advance(end)
        try:
            yield self._read(as_record(value))
        except BrokenError as error:
            self.refuse(where, str(error))

    def _value(self, window: _Window) -> tuple[object, int] | None:
        """Decode the value that starts here and tell where it ends; None when it seems to go on behind the text in hand."""
        try:
            return DECODER.raw_decode(window.text, window.at)
        except RecursionError:
            # Hundreds of brackets were open, so that the next record is at least that far away. Looking for it from
            # here on step by step would read the same nest again and again.
            window.advance(window.at + MAX_OPEN_BRACKETS)
            raise BrokenError("nested too deeply") from None
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated string") or error.pos >= len(window.text) - _NEAR_END:
                return None
            raise BrokenError(f"not JSON ({error.msg})") from None
        except ValueError:
            raise BrokenError(TOO_MANY_DIGITS) from None

    def _read(self, record: dict[str, Any]) -> dict[str, Any]:
        self.records += 1
        self._tick()
        return record


def _skip_line(window: _Window) -> None:
    while (end := window.text.find("\n", window.at)) < 0:
        window.advance(len(window.text))
        if not window.more():
            return
    window.advance(end)


def _skip_record(window: _Window, start: re.Pattern[str]) -> None:
    """Step to the end of the line, or to where the next record of it seems to start."""
    window.advance(window.at + 1)
    while True:
        end = window.text.find("\n", window.at)
        if found := start.search(window.text, window.at, end if end >= 0 else len(window.text)):
            return window.advance(found.start())
        if end >= 0:
            return window.advance(end)
        window.advance(max(window.at, len(window.text) - _RESYNC_TAIL))
        if not window.more():
            return window.advance(len(window.text))


def _resync(window: _Window, start: re.Pattern[str]) -> bool:
    """Step to where the next element of the array seems to start; False when there is none."""
    at = window.at + 1
    while True:
        if found := start.search(window.text, at):
            window.advance(found.start())
            return True
        window.advance(max(at, len(window.text) - _RESYNC_TAIL))
        if not window.more():
            window.advance(len(window.text))
            return False
        at = window.at
