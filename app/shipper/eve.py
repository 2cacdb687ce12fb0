"""Reads Suricata's EVE output record by record, in bounded memory.

A file may hold JSON lines (what Suricata writes), a JSON array on one or many lines (what tools export), pretty-printed objects one
after another (what ``jq`` prints), or several of these; plain, gzip or bzip2; UTF-8 or UTF-16, with or without a byte order mark, LF
or CRLF. A record that cannot be read is counted and skipped, and the next one is found again.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from app.shipper.packed import PackedFile

MAX_RECORD = 1024 * 1024
MAX_PROBLEMS = 10

_BLANK = re.compile(r"[\s\ufeff]*")
_BLANK_OR_COMMA = re.compile(r"[\s,\ufeff]*")
_ARRAY_OF_RECORDS = re.compile(r"\[\s*[{\]]")
_FIRST_KEY = re.compile(r'\{\s{0,200}"([^"\\]{1,64})"')
# Bytes that are not UTF-8 become these while decoding, so that one such byte costs one record and not the file.
_STRAY_BYTE = re.compile("[\udc80-\udcff]")
# An error this near to the end of the text in hand may only mean that the rest of the record is not there yet.
_NEAR_END = 16
_RESYNC_TAIL = 512
_ENCODING_BYTES = 4
_DEEP = 500  # levels; half of what Python's decoder can do
_TOO_MANY_DIGITS = "a number with too many digits"


class _BrokenError(Exception):
    """A record cannot be read; the text says why."""


def _refuse_constant(name: str) -> NoReturn:
    raise _BrokenError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


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
    :ivar records: how many records were read, as of the last iteration.
    :ivar unreadable: how many were not.
    :ivar problems: the first of these, each with its line or record number and the reason.
    :ivar damage: why the end of the file could not be read, or None.
    """

    def __init__(self, path: Path, *, max_record: int = MAX_RECORD) -> None:
        self.path = path
        self.max_record = max_record
        self._reset()

    def _reset(self) -> None:
        self.records = 0
        self.unreadable = 0
        self.problems: list[str] = []
        self.damage: str | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each record that is a JSON object.

        :raises app.shipper.packed.NotReadError: the file is an archive.
        :raises OSError: the file cannot be read.
        """
        self._reset()
        packed = PackedFile(self.path)
        window = _Window(_texts(packed))
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
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(f"{where}: {reason}")

    def _line(self, window: _Window) -> Iterator[dict[str, Any]]:
        where = f"line {window.line}"
        searched = window.at
        while (end := window.text.find("\n", searched)) < 0:
            if len(window.text) - window.at > self.max_record:
                self.refuse(where, self._too_long())
                return _skip_line(window)
            known = len(window.text) - window.at
            if not window.more():
                end = len(window.text)
                break
            searched = known  # more() has moved the line to the start of the text
        line = window.text[window.at : end].strip()
        try:
            if line == "{":  # the first line of a pretty-printed object
                yield from self._record(window, where)
                return None
            window.advance(end)
            yield from self._object(self._decode(line), line)
        except _BrokenError as error:
            self.refuse(where, str(error))
            if line == "{":
                _skip_line(window)
        return None

    def _array(self, window: _Window) -> Iterator[dict[str, Any]]:
        number, key = 0, "timestamp"
        while window.skip(_BLANK_OR_COMMA):
            if window.text[window.at] == "]":
                window.advance(window.at + 1)
                return
            number += 1
            first = _FIRST_KEY.match(window.text, window.at)
            key = first[1] if first else key
            try:
                yield from self._record(window, f"record {number}")
            except _BrokenError as error:
                self.refuse(f"record {number}", str(error))
                if not _resync(window, key):
                    return
        self.damage = "the array has no end; what came before was used"

    def _record(self, window: _Window, where: str) -> Iterator[dict[str, Any]]:
        """Read the value that starts here, which may go over many lines, and step behind it."""
        while (found := self._value(window)) is None:
            if len(window.text) - window.at > self.max_record:
                raise _BrokenError(self._too_long())
            if not window.more():
                raise _BrokenError("ends in the middle")
        value, end = found
        if end - window.at > self.max_record:
            raise _BrokenError(self._too_long())
        text = window.text[window.at : end]
        window.advance(end)
        try:
            yield from self._object(value, text)
        except _BrokenError as error:
            self.refuse(where, str(error))

    def _value(self, window: _Window) -> tuple[object, int] | None:
        """Decode the value that starts here and tell where it ends; None when it seems to go on behind the text in hand."""
        try:
            return _DECODER.raw_decode(window.text, window.at)
        except RecursionError:
            # Hundreds of brackets were open, so that the next record is at least that far away. Looking for it from
            # here on step by step would read the same nest again and again.
            window.advance(window.at + _DEEP)
            raise _BrokenError("nested too deeply") from None
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated string") or error.pos >= len(window.text) - _NEAR_END:
                return None
            raise _BrokenError(f"not JSON ({error.msg})") from None
        except ValueError:
            raise _BrokenError(_TOO_MANY_DIGITS) from None

    def _decode(self, line: str) -> object:
        if len(line) > self.max_record:
            raise _BrokenError(self._too_long())
        try:
            return _DECODER.decode(line)
        except RecursionError:
            raise _BrokenError("nested too deeply") from None
        except json.JSONDecodeError as error:
            raise _BrokenError(f"not JSON ({error.msg})") from None
        except ValueError:
            raise _BrokenError(_TOO_MANY_DIGITS) from None

    def _object(self, value: object, text: str) -> Iterator[dict[str, Any]]:
        if not text.isascii() and _STRAY_BYTE.search(text):
            raise _BrokenError("not UTF-8")
        if not isinstance(value, dict):
            raise _BrokenError("not a JSON object")
        self.records += 1
        yield value

    def _too_long(self) -> str:
        return f"longer than {self.max_record:,} characters"


def _skip_line(window: _Window) -> None:
    while (end := window.text.find("\n", window.at)) < 0:
        window.advance(len(window.text))
        if not window.more():
            return
    window.advance(end)


def _resync(window: _Window, key: str) -> bool:
    """Step to where the next element of the array seems to start; False when there is none.

    Elements of one file start with the same ``key`` (Suricata's with ``timestamp``), and inside a JSON string the quote before a key would be
    escaped, so that this is not fooled by a log line that quotes another.
    """
    start = re.compile(r"[,}\]]\s{0,200}(?=\{\s{0,200}\"(?:timestamp|" + re.escape(key) + r")\"\s{0,200}:)")
    at = window.at + 1
    while True:
        if found := start.search(window.text, at):
            window.advance(found.end())
            return True
        window.advance(max(at, len(window.text) - _RESYNC_TAIL))
        if not window.more():
            window.advance(len(window.text))
            return False
        at = window.at


def _texts(packed: PackedFile) -> Iterator[str]:
    """Decode the bytes, having looked at the first few to see how they are encoded."""
    chunks = packed.chunks()
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= _ENCODING_BYTES:
            break
    encoding = _encoding(start)
    errors = "surrogateescape" if encoding == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    yield decoder.decode(start)
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # A log starts with a bracket: beside a NUL it is UTF-16 without a mark, as some Windows tools write it.
    if start[1:2] == b"\0" != start[:1]:
        return "utf-16-le"
    if start[:1] == b"\0" != start[1:2]:
        return "utf-16-be"
    return "utf-8"
