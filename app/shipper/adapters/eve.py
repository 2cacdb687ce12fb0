"""Reads the records of Suricata's EVE output, in bounded memory.

A file may hold JSON lines (what Suricata writes), a JSON array on one or many lines (what tools export), pretty-printed objects one
after another (what ``jq`` prints), or several of these; plain, gzip or bzip2; UTF-8 or UTF-16, with or without a byte order mark, LF
or CRLF. A record that cannot be read is counted and skipped, and reading continues with the next one (eve_record.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app.shipper.adapters.eve_record import (
    DECODER,
    FIRST_KEY,
    MAX_OPEN_BRACKETS,
    TOO_MANY_DIGITS,
    as_record,
    record_start,
    records_in,
)
from app.shipper.decompression import decoded_text
from app.shipper.log_reader import BLANK, MAX_RECORD, LogReader, UnreadableRecordError, too_long

_BLANK = re.compile(r"[\s\ufeff]*")
_BLANK_OR_COMMA = re.compile(r"[\s,\ufeff]*")
_ARRAY_OF_RECORDS = re.compile(r"\[\s*[{\]]")
# An error so close to the end of the buffer may only mean that the rest of the record is not in it yet.
_NEAR_END = 16
_RESYNC_TAIL = 512


class _TextBuffer:
    """A sliding window over the text of a file: ``text`` from ``at`` on is the unread part.

    :ivar line: number of the current line, from 1.
    """

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self.text = ""
        self.at = 0
        self.line = 1

    def more(self) -> bool:
        """Append the next chunk; return False at the end of the file."""
        for text in self._chunks:
            if text:
                self.text = self.text[self.at :] + text
                self.at = 0
                return True
        return False

    def advance(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def skip(self, blanks: re.Pattern[str]) -> bool:
        """Skip blanks; return False at the end of the file."""
        while True:
            found = blanks.match(self.text, self.at)
            self.advance(found.end() if found else self.at)
            if self.at < len(self.text):
                return True
            if not self.more():
                return False


class EveReader(LogReader[dict[str, Any]]):
    """Reads the records of one EVE file; can be iterated several times.

    :param max_record: maximum length of a record, in characters.
    :param tick: called for each record, to update a progress display.
    """

    def __init__(self, path: Path, *, max_record: int = MAX_RECORD, tick: Callable[[], object] = lambda: None) -> None:
        super().__init__(path, tick=tick)
        self.max_record = max_record

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each record that is a JSON object.

        :raises app.shipper.decompression.UnsupportedFileError: the file is an archive.
        :raises OSError: the file cannot be read.
        """
        self._reset()
        file = self._file
        buffer = _TextBuffer(decoded_text(file))
        while buffer.skip(_BLANK):
            while len(buffer.text) - buffer.at < _RESYNC_TAIL and buffer.more():
                pass
            if _ARRAY_OF_RECORDS.match(buffer.text, buffer.at):
                buffer.advance(buffer.at + 1)
                yield from self._array(buffer)
            else:
                yield from self._line(buffer)
        self.damage = file.damage or self.damage

    def _line(self, buffer: _TextBuffer) -> Iterator[dict[str, Any]]:
        where = f"line {buffer.line}"
        searched = buffer.at
        while (end := buffer.text.find("\n", searched)) < 0:
            if len(buffer.text) - buffer.at > self.max_record:
                # The line has more than one record, or one that is too long. In the first case it is split before its last record.
                start = record_start(buffer.text, buffer.at)
                starts = [found.start() for found in start.finditer(buffer.text, buffer.at + 1)]
                if not starts:
                    self.count_unreadable(where, too_long(self.max_record))
                    return _skip_to_next_record(buffer, start)
                end = starts[-1]
                break
            known = len(buffer.text) - buffer.at
            if not buffer.more():
                end = len(buffer.text)
                break
            searched = known  # more() has moved the line to the start of the text
        line = buffer.text[buffer.at : end]
        if line.strip(BLANK) == "{":  # the first line of a pretty-printed object
            try:
                yield from self._record(buffer, where)
            except UnreadableRecordError as error:
                self.count_unreadable(where, str(error))
                _skip_line(buffer)
            return None
        buffer.advance(end)
        for record in records_in(line, self.max_record):
            if isinstance(record, UnreadableRecordError):
                self.count_unreadable(where, str(record))
            else:
                yield self._read(record)
        return None

    def _array(self, buffer: _TextBuffer) -> Iterator[dict[str, Any]]:
        number, start = 0, record_start("", 0)
        while buffer.skip(_BLANK_OR_COMMA):
            if buffer.text[buffer.at] == "]":
                buffer.advance(buffer.at + 1)
                return
            number += 1
            if FIRST_KEY.match(buffer.text, buffer.at):
                start = record_start(buffer.text, buffer.at)
            try:
                yield from self._record(buffer, f"record {number}")
            except UnreadableRecordError as error:
                self.count_unreadable(f"record {number}", str(error))
                if not _skip_to_next_element(buffer, start):
                    return
        self.damage = "the array has no end; what came before was used"

    def _record(self, buffer: _TextBuffer, where: str) -> Iterator[dict[str, Any]]:
        """Read the value at the current place, which may span several lines, and advance to its end."""
        while (found := self._value(buffer)) is None:
            if len(buffer.text) - buffer.at > self.max_record:
                raise UnreadableRecordError(too_long(self.max_record))
            if not buffer.more():
                raise UnreadableRecordError("ends in the middle")
        value, end = found
        if end - buffer.at > self.max_record:
            raise UnreadableRecordError(too_long(self.max_record))
        buffer.advance(end)
        try:
            yield self._read(as_record(value))
        except UnreadableRecordError as error:
            self.count_unreadable(where, str(error))

    def _value(self, buffer: _TextBuffer) -> tuple[object, int] | None:
        """Decode the value at the current place; return it and its end, or None if it is not completely in the buffer."""
        try:
            return DECODER.raw_decode(buffer.text, buffer.at)
        except RecursionError:
            # The next record is at least that far away. A smaller step would decode the same nested value again and again.
            buffer.advance(buffer.at + MAX_OPEN_BRACKETS)
            raise UnreadableRecordError("nested too deeply") from None
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated string") or error.pos >= len(buffer.text) - _NEAR_END:
                return None
            raise UnreadableRecordError(f"not JSON ({error.msg})") from None
        except ValueError:
            raise UnreadableRecordError(TOO_MANY_DIGITS) from None


def _skip_line(buffer: _TextBuffer) -> None:
    while (end := buffer.text.find("\n", buffer.at)) < 0:
        buffer.advance(len(buffer.text))
        if not buffer.more():
            return
    buffer.advance(end)


def _skip_to_next_record(buffer: _TextBuffer, start: re.Pattern[str]) -> None:
    """Advance to the next start of a record in the line, or to its end."""
    buffer.advance(buffer.at + 1)
    while True:
        end = buffer.text.find("\n", buffer.at)
        if found := start.search(buffer.text, buffer.at, end if end >= 0 else len(buffer.text)):
            return buffer.advance(found.start())
        if end >= 0:
            return buffer.advance(end)
        buffer.advance(max(buffer.at, len(buffer.text) - _RESYNC_TAIL))
        if not buffer.more():
            return buffer.advance(len(buffer.text))


def _skip_to_next_element(buffer: _TextBuffer, start: re.Pattern[str]) -> bool:
    """Advance to the next start of an array element; return False if there is none."""
    at = buffer.at + 1
    while True:
        if found := start.search(buffer.text, at):
            buffer.advance(found.start())
            return True
        buffer.advance(max(at, len(buffer.text) - _RESYNC_TAIL))
        if not buffer.more():
            buffer.advance(len(buffer.text))
            return False
        at = buffer.at
