"""One file of a log that is followed, open for as long as its lines are needed, whatever its name is by now."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO

from app.shipper.decompression import NotReadError, encoding_of
from app.shipper.position import FINGERPRINT_BYTES, Position, fingerprint
from app.shipper.record import MAX_RECORD

# A character of UTF-8 has up to four bytes. A line of more is given out as far as records in it are complete, or dropped while it comes in.
MAX_LINE = 4 * MAX_RECORD
_RECORD_START = re.compile(rb'\{\s{0,200}"(?:timestamp|event_type)"\s{0,200}:')
_LONGEST_START = 512
_CHUNK = 64 * 1024
_KIND_BYTES = 8
_PACKED = {
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a ZIP archive",
}
# What rotation compresses with, and can be read from any place on.
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?[\s\0]*")
_ARRAY = re.compile(rb"\[\s*(?:[{\]]|$)")
_OVER_LINES = re.compile(rb'\{[ \t\r]*\n\s*["}]')


@dataclass(frozen=True)
class Line:
    """A line of a file.

    A line that is longer than MAX_LINE is given out in parts, each of which starts with a record.

    :ivar start: bytes before it.
    :ivar end: bytes before what follows it, from where a later run goes on.
    :ivar data: the line without its end and without NUL bytes; None when it holds a record that is too long to be read.
    :ivar complete: whether it has an end.
    """

    source: Source
    start: int
    end: int
    data: bytes | None
    complete: bool = True


def opened(path: Path) -> IO[bytes]:
    """Open a file that was rotated away, for what it held before it was compressed, if it was.

    :raises OSError: it cannot be opened.
    """
    file = path.open("rb", buffering=0)
    start = os.pread(file.fileno(), _KIND_BYTES, 0)
    for magic, unpack in _OPENERS.items():
        if start.startswith(magic):
            file.close()
            return unpack(path)
    return file


def start_of(path: Path, size: int = FINGERPRINT_BYTES) -> bytes:
    """Return what such a file begins with; nothing when it cannot be read, as while it is being compressed."""
    with suppress(*_DAMAGED), opened(path) as file:
        return file.read(size)
    return b""


def has(path: Path, position: Position) -> bool:
    """Whether a file is the one that a place is in, or a copy, and goes that far."""
    with suppress(*_DAMAGED), opened(path) as file:
        begins = fingerprint(file.read(position.fingerprinted)) == position.fingerprint
        return begins and _reaches(file, position.offset)
    return False


class Source:
    """A file and how far its lines were given out.

    :param offset: where to begin: the start of a line.
    :param rotated: whether it was rotated away, and may be compressed.
    :param trusted: whether it comes after others of the same log: a strange first line is then a bad line, and does not end a run that
        nobody looks at.
    :ivar start: what the file begins with, as far as it is there.
    :ivar opened_at: when the file had last been written by the time that it was opened.
    :ivar damaged: whether it was compressed and cannot be unpacked to its end.
    :raises OSError: it cannot be opened.
    """

    def __init__(self, path: Path, offset: int = 0, *, rotated: bool = False, trusted: bool = False) -> None:
        self._file = opened(path) if rotated else path.open("rb", buffering=0)
        self.path = path
        self.damaged = False
        self.given = offset
        self._read = offset
        self._rest = b""
        self._dropped = 0
        self._zeros = 0
        self._too_long = False
        self._checked = trusted
        self._note_identity()
        self.opened_at = self.written()
        self.start = self._part(0, FINGERPRINT_BYTES)
        with suppress(*_DAMAGED):
            self._file.seek(offset)

    def close(self) -> None:
        """Close the file; places in it can still be told."""
        self._last_written = self.written()
        self._file.close()

    def is_file(self, path: Path) -> bool:
        """Whether that is the name of this file."""
        stat = path.stat()
        return (stat.st_dev, stat.st_ino) == (self.device, self.inode)

    def begins(self, start: bytes) -> bool:
        """Whether what another file begins with is what this one does: that is a copy of it."""
        return bool(self.start) and start.startswith(self.start)

    def written(self) -> int:
        """When the file was last written, in nanoseconds since 1970."""
        return self._last_written if self._file.closed else os.fstat(self._file.fileno()).st_mtime_ns

    def position(self, offset: int) -> Position:
        """Return a place in this file for a later run."""
        return Position(
            device=self.device,
            inode=self.inode,
            offset=offset,
            fingerprint=fingerprint(self.start),
            fingerprinted=len(self.start),
            written=self.written(),
        )

    def intact(self) -> bool:
        """Whether the file still has what was read of it: it was neither emptied nor written anew."""
        start = self._part(0, FINGERPRINT_BYTES)
        if not start.startswith(self.start) or not _reaches(self._file, self._read):
            return False
        self.start = start
        return True

    def move_to_copy(self, path: Path) -> bool:
        """Go on in a copy of this file that was made before it was emptied; False when that file is none.

        :raises OSError: the copy cannot be read.
        """
        start, copy = start_of(path), opened(path)
        if not self.begins(start) or not _reaches(copy, self._read):
            copy.close()
            return False
        self._file.close()
        self._file, self.path, self.start = copy, path, start
        self._note_identity()
        copy.seek(self._read)
        return True

    def earlier(self, end: int, size: int) -> list[bytes]:
        """Return the whole lines among the last ``size`` bytes before a place, which is the start of a line or of a part of one."""
        begin = max(0, end - size)
        lines = self._part(begin, end - begin).replace(b"\0", b"").split(b"\n")
        return lines[1:] if begin else lines

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are complete by now.

        :raises NotReadError: the file is not one of plain lines.
        :raises OSError: it cannot be read.
        """
        self._check_kind()
        while chunk := self._chunk():
            self._read += len(chunk)
            if len(self.start) < FINGERPRINT_BYTES:
                self.start = self._part(0, FINGERPRINT_BYTES)
            *ended, rest = chunk.split(b"\n")
            for data in ended:
                yield from self._add(data)
                yield from self._end()
            yield from self._add(rest)

    def unfinished(self) -> Iterator[Line]:
        """Yield the last line although it has no end: nobody is going to write one."""
        if self._rest and not self._too_long:
            start, self.given, data, self._rest = self.given, self._read, self._rest, b""
            yield Line(self, start, self.given, data, complete=False)

    def _chunk(self) -> bytes:
        if isinstance(self._file, FileIO):
            return self._file.read(_CHUNK)
        try:
            return self._file.read1(_CHUNK)
        except _DAMAGED:
            self.damaged = True
            return b""

    def _part(self, begin: int, size: int) -> bytes:
        """Read a part without moving the place that is read from."""
        if isinstance(self._file, FileIO):
            return os.pread(self._file.fileno(), size, begin)
        place, part = self._file.tell(), b""
        with suppress(*_DAMAGED):
            self._file.seek(begin)
            part = self._file.read(size)
            self._file.seek(place)
        return part

    def _add(self, data: bytes) -> Iterator[Line]:
        """Take in more of the line under way; NUL bytes, which pad files by the gigabyte, are left out."""
        if not self._rest and not self._too_long:
            padded, data = len(data), data.lstrip(b"\0")
            self.given += padded - len(data)
        kept = data.replace(b"\0", b"")
        self._zeros += len(data) - len(kept)
        self._rest += kept
        if self._too_long:
            self._find_next()
        elif len(self._rest) > MAX_LINE:
            yield self._part_of_line()

    def _end(self) -> Iterator[Line]:
        """End the line under way."""
        start, self.given = self.given, self.given + self._dropped + self._zeros + len(self._rest) + 1
        if not self._too_long:  # or it was told of already
            yield Line(self, start, self.given, self._rest)
        self._rest, self._dropped, self._zeros, self._too_long = b"", 0, 0, False

    def _part_of_line(self) -> Line:
        """Give out a line that is too long up to its last record, or tell that its only one is too long."""
        starts = [found.start() for found in _RECORD_START.finditer(self._rest, 1)]
        if not starts:
            line = Line(self, self.given, self.given, None)
            self._too_long = True
            self._find_next(1)
            return line
        data, self._rest = self._rest[: starts[-1]], self._rest[starts[-1] :]
        # As if all NUL bytes came later: a later run may read a part of this again, but misses nothing.
        start, self.given = self.given, self.given + len(data)
        return Line(self, start, self.given, data)

    def _find_next(self, at: int = 0) -> None:
        """Drop what is there of a record that is too long, up to the next one."""
        found = _RECORD_START.search(self._rest, at)
        keep = found.start() if found else max(0, len(self._rest) - _LONGEST_START)
        self._dropped += keep
        self._rest = self._rest[keep:]
        if found:
            self.given += self._dropped
            self._dropped, self._too_long = 0, False

    def _check_kind(self) -> None:
        """Refuse what can be shipped but not followed: better one clear sentence than thousands of broken lines."""
        if self._checked:
            return
        start = self.start = self._part(0, FINGERPRINT_BYTES)
        if len(start) < _KIND_BYTES and b"\n" not in start:
            return
        self._checked = True
        kind = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
        text = _BLANK.sub(b"", start, count=1)
        if encoding_of(start) != "utf-8":
            kind = "UTF-16 text"
        elif _ARRAY.match(text):
            kind = "a JSON array"
        elif _OVER_LINES.match(text):
            kind = "JSON with records over several lines"
        if kind:
            raise NotReadError(
                f"{self.path} is {kind}: only a plain file with a record on each line can be followed. Ship it without --follow."
            )

    def _note_identity(self) -> None:
        stat = os.fstat(self._file.fileno())
        self.device, self.inode = stat.st_dev, stat.st_ino


def _reaches(file: IO[bytes], offset: int) -> bool:
    """Whether a file has that many bytes; one that was compressed is then at that place."""
    if isinstance(file, FileIO):
        return os.fstat(file.fileno()).st_size >= offset
    with suppress(*_DAMAGED):
        return file.seek(offset) == offset
    return False
