"""Reads the lines of one file of a followed log, which stays open while rotation changes its name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase, FileIO
from pathlib import Path
from typing import Any

from app.shipper.decompression import UnsupportedFileError, encoding_of
from app.shipper.log_reader import MAX_RECORD
from app.shipper.position import FINGERPRINT_BYTES, Position, fingerprint

# A character takes up to four bytes in UTF-8. A longer line is split before a record, or skipped if it has only one.
MAX_LINE = 4 * MAX_RECORD
_RECORD_START = re.compile(rb'\{\s{0,200}"(?:timestamp|event_type)"\s{0,200}:')
_MAX_START = 512
_CHUNK = 64 * 1024
_MAGIC_BYTES = 8
_UNSUPPORTED = {
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a ZIP archive",
}
# Compression formats of rotated files that support seeking.
_OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?[\s\0]*")
_ARRAY = re.compile(rb"\[\s*(?:[{\]]|$)")
_OVER_LINES = re.compile(rb'\{[ \t\r]*\n\s*["}]')


@dataclass(frozen=True)
class Line:
    """A line of a file.

    A line that is longer than MAX_LINE is split into several, each of which starts with a record.

    :ivar start: offset in bytes.
    :ivar end: offset of the next line, where a later run continues.
    :ivar data: the line without line break and NUL bytes; None if a record in it is too long.
    :ivar complete: whether it ends with a line break.
    """

    source: Source
    start: int
    end: int
    data: bytes | None
    complete: bool = True


def open_log(path: Path) -> FileIO | BufferedIOBase:
    """Open a rotated file, decompressing it if necessary.

    :raises OSError: it cannot be opened.
    """
    file = path.open("rb", buffering=0)
    start = os.pread(file.fileno(), _MAGIC_BYTES, 0)
    for magic, unpack in _OPENERS.items():
        if start.startswith(magic):
            file.close()
            opened: BufferedIOBase = unpack(path)
            return opened
    return file


def read_start(path: Path, size: int = FINGERPRINT_BYTES) -> bytes:
    """Return the first bytes of a rotated file; none if it cannot be read, for example while it is being compressed."""
    with suppress(*_DAMAGED), open_log(path) as file:
        return file.read(size)
    return b""


def contains_position(path: Path, position: Position) -> bool:
    """Whether a position is in a file or in one of which it is a copy, and not beyond its end."""
    with suppress(*_DAMAGED), open_log(path) as file:
        same_start = fingerprint(file.read(position.fingerprinted)) == position.fingerprint
        return same_start and _has_bytes(file, position.offset)
    return False


class Source:
    """An open file and the lines read from it.

    :param offset: where to start, in bytes.
    :param rotated: whether it is a rotated file, which may be compressed.
    :param skip_format_check: whether it continues a log of which other files were read: an unusual first line is then an unreadable record
        and does not end an unattended run.
    :ivar emitted: offset up to which lines were returned.
    :ivar start: the first bytes of the file, up to FINGERPRINT_BYTES.
    :ivar modified_when_opened: modification time when the file was opened, in nanoseconds since 1970.
    :ivar damaged: whether it is compressed and cannot be decompressed to its end.
    :raises OSError: it cannot be opened.
    """

    def __init__(self, path: Path, offset: int = 0, *, rotated: bool = False, skip_format_check: bool = False) -> None:
        self._file = open_log(path) if rotated else path.open("rb", buffering=0)
        self.path = path
        self.damaged = False
        self.emitted = offset
        self._read = offset
        self._pending = b""
        self._dropped = 0
        self._nul_bytes = 0
        self._skipping = False
        self._format_checked = skip_format_check
        self._note_identity()
        self.modified_when_opened = self.written()
        self.start = self._read_at(0, FINGERPRINT_BYTES)
        with suppress(*_DAMAGED):
            self._file.seek(offset)

    def close(self) -> None:
        """Close the file; ``position`` and ``written`` still work."""
        self._last_modified_ns = self.written()
        self._file.close()

    def is_file(self, path: Path) -> bool:
        """Whether the path refers to this file."""
        stat = path.stat()
        return (stat.st_dev, stat.st_ino) == (self.device, self.inode)

    def has_same_start(self, start: bytes) -> bool:
        """Whether another file starts with the same bytes as this one, and thus is a copy of it.

        :param start: the first bytes of the other file.
        """
        return bool(self.start) and start.startswith(self.start)

    def written(self) -> int:
        """Return the modification time, in nanoseconds since 1970."""
        return self._last_modified_ns if self._file.closed else os.fstat(self._file.fileno()).st_mtime_ns

    def position(self, offset: int) -> Position:
        """Return a position in this file, to be stored for a later run."""
        return Position(
            device=self.device,
            inode=self.inode,
            offset=offset,
            fingerprint=fingerprint(self.start),
            fingerprinted=len(self.start),
            written=self.written(),
        )

    def is_unmodified(self) -> bool:
        """Whether the part that was read is still there: the file was neither truncated nor rewritten."""
        start = self._read_at(0, FINGERPRINT_BYTES)
        if not start.startswith(self.start) or not _has_bytes(self._file, self._read):
            return False
        self.start = start
        return True

    def switch_to_copy(self, path: Path) -> bool:
        """Continue in a copy of this file that was made before it was truncated; return False if the path is not such a copy.

        :raises OSError: the copy cannot be read.
        """
        start, copy = read_start(path), open_log(path)
        if not self.has_same_start(start) or not _has_bytes(copy, self._read):
            copy.close()
            return False
        self._file.close()
        self._file, self.path, self.start = copy, path, start
        self._note_identity()
        copy.seek(self._read)
        return True

    def lines_before(self, end: int, size: int) -> list[bytes]:
        """Return the complete lines among the ``size`` bytes before the start of a line."""
        begin = max(0, end - size)
        lines = self._read_at(begin, end - begin).replace(b"\0", b"").split(b"\n")
        return lines[1:] if begin else lines

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are complete now.

        :raises UnsupportedFileError: it is not a plain text file with a record on each line.
        :raises OSError: it cannot be read.
        """
        self._check_format()
        while chunk := self._chunk():
            self._read += len(chunk)
            if len(self.start) < FINGERPRINT_BYTES:
                self.start = self._read_at(0, FINGERPRINT_BYTES)
            *ended, rest = chunk.split(b"\n")
            for data in ended:
                yield from self._append(data)
                yield from self._finish_line()
            yield from self._append(rest)

    def incomplete_line(self) -> Iterator[Line]:
        """Yield the last line although it has no line break, when no more is expected."""
        if self._pending and not self._skipping:
            start, self.emitted, data, self._pending = self.emitted, self._read, self._pending, b""
            yield Line(self, start, self.emitted, data, complete=False)

    def _chunk(self) -> bytes:
        if isinstance(self._file, FileIO):
            return self._file.read(_CHUNK)
        try:
            return self._file.read1(_CHUNK)
        except _DAMAGED:
            self.damaged = True
            return b""

    def _read_at(self, begin: int, size: int) -> bytes:
        """Read from an offset without changing the current one."""
        if isinstance(self._file, FileIO):
            return os.pread(self._file.fileno(), size, begin)
        current, part = self._file.tell(), b""
        with suppress(*_DAMAGED):
            self._file.seek(begin)
            part = self._file.read(size)
            self._file.seek(current)
        return part

    def _append(self, data: bytes) -> Iterator[Line]:
        """Add data to the current line, without NUL bytes; files may be padded with gigabytes of them."""
        if not self._pending and not self._skipping:
            padded, data = len(data), data.lstrip(b"\0")
            self.emitted += padded - len(data)
        kept = data.replace(b"\0", b"")
        self._nul_bytes += len(data) - len(kept)
        self._pending += kept
        if self._skipping:
            self._skip_to_record()
        elif len(self._pending) > MAX_LINE:
            yield self._split_line()

    def _finish_line(self) -> Iterator[Line]:
        """Emit the current line at its line break."""
        start, self.emitted = self.emitted, self.emitted + self._dropped + self._nul_bytes + len(self._pending) + 1
        if not self._skipping:  # then it was emitted already
            yield Line(self, start, self.emitted, self._pending)
        self._pending, self._dropped, self._nul_bytes, self._skipping = b"", 0, 0, False

    def _split_line(self) -> Line:
        """Emit the current line up to the start of its last record, or without data if it holds only one record."""
        starts = [found.start() for found in _RECORD_START.finditer(self._pending, 1)]
        if not starts:
            line = Line(self, self.emitted, self.emitted, None)
            self._skipping = True
            self._skip_to_record(1)
            return line
        data, self._pending = self._pending[: starts[-1]], self._pending[starts[-1] :]
        # The NUL bytes may be before or after this offset. If they are before, a later run reads some records again but misses none.
        start, self.emitted = self.emitted, self.emitted + len(data)
        return Line(self, start, self.emitted, data)

    def _skip_to_record(self, at: int = 0) -> None:
        """Discard data of a record that is too long, up to the next record."""
        found = _RECORD_START.search(self._pending, at)
        keep = found.start() if found else max(0, len(self._pending) - _MAX_START)
        self._dropped += keep
        self._pending = self._pending[keep:]
        if found:
            self.emitted += self._dropped
            self._dropped, self._skipping = 0, False

    def _check_format(self) -> None:
        """Refuse what can be shipped but not followed: better one clear sentence than thousands of broken lines."""
        if self._format_checked:
            return
        start = self.start = self._read_at(0, FINGERPRINT_BYTES)
        if len(start) < _MAGIC_BYTES and b"\n" not in start:
            return
        self._format_checked = True
        kind = next((kind for magic, kind in _UNSUPPORTED.items() if start.startswith(magic)), None)
        text = _BLANK.sub(b"", start, count=1)
        if encoding_of(start) != "utf-8":
            kind = "UTF-16 text"
        elif _ARRAY.match(text):
            kind = "a JSON array"
        elif _OVER_LINES.match(text):
            kind = "JSON with records over several lines"
        if kind:
            raise UnsupportedFileError(
                f"{self.path} is {kind}: only a plain file with a record on each line can be followed. Ship it without --follow."
            )

    def _note_identity(self) -> None:
        stat = os.fstat(self._file.fileno())
        self.device, self.inode = stat.st_dev, stat.st_ino


def _has_bytes(file: FileIO | BufferedIOBase, offset: int) -> bool:
    """Whether a file has that many bytes; one that was compressed is then at that place."""
    if isinstance(file, FileIO):
        return os.fstat(file.fileno()).st_size >= offset
    with suppress(*_DAMAGED):
        return file.seek(offset) == offset
    return False
