"""One file of a log that is followed, open for as long as its lines are needed, whatever its name is by now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.shipper.packed import NotReadError
from app.shipper.position import FINGERPRINT_BYTES, Position, fingerprint
from app.shipper.record import MAX_RECORD

# A character of UTF-8 has up to four bytes. A line of more is dropped while it comes in.
MAX_LINE = 4 * MAX_RECORD
_CHUNK = 64 * 1024
_KIND_BYTES = 8
_PACKED = {
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a ZIP archive",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?\s*")


@dataclass(frozen=True)
class Line:
    """A line of a file.

    :ivar start: bytes before it.
    :ivar end: bytes before what follows it, from where a later run goes on.
    :ivar data: the line without its end; None when it is too long to be read.
    :ivar complete: whether it has an end.
    """

    source: Source
    start: int
    end: int
    data: bytes | None
    complete: bool = True


class Source:
    """A file and how far its lines were given out.

    :param offset: where to begin: the start of a line.
    :param trusted: whether it comes after others of the same log: a strange first line is then a bad line, and does not end a run that
        nobody looks at.
    :ivar start: what the file begins with, as far as it is there.
    :ivar opened_at: when the file had last been written by the time that it was opened.
    :raises OSError: it cannot be opened.
    """

    def __init__(self, path: Path, offset: int = 0, *, trusted: bool = False) -> None:
        self._file = path.open("rb", buffering=0)
        self.path = path
        self.given = offset
        self._read = offset
        self._rest = b""
        self._dropped = 0
        self._checked = trusted
        self._note_identity()
        self.opened_at = self.written()
        self.start = os.pread(self._file.fileno(), FINGERPRINT_BYTES, 0)
        self._file.seek(offset)

    def close(self) -> None:
        """Close the file; places in it can still be told."""
        self._last_written = self.written()
        self._file.close()

    def is_file(self, path: Path) -> bool:
        """Whether that is the name of this file."""
        stat = path.stat()
        return (stat.st_dev, stat.st_ino) == (self.device, self.inode)

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
        start = os.pread(self._file.fileno(), FINGERPRINT_BYTES, 0)
        if not start.startswith(self.start) or os.fstat(self._file.fileno()).st_size < self._read:
            return False
        self.start = start
        return True

    def move_to_copy(self, path: Path) -> bool:
        """Go on in a copy of this file that was made before it was emptied; False when that file is none.

        :raises OSError: the copy cannot be read.
        """
        copy = path.open("rb", buffering=0)
        start = os.pread(copy.fileno(), FINGERPRINT_BYTES, 0)
        if not self.start or not start.startswith(self.start) or os.fstat(copy.fileno()).st_size < self._read:
            copy.close()
            return False
        self._file.close()
        self._file, self.path, self.start = copy, path, start
        self._note_identity()
        copy.seek(self._read)
        return True

    def earlier(self, end: int, size: int) -> list[bytes]:
        """Return the whole lines among the last ``size`` bytes before a place, which is the start of a line."""
        begin = max(0, end - size)
        lines = os.pread(self._file.fileno(), end - begin, begin).split(b"\n")[:-1]
        return lines[1:] if begin else lines

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are complete by now.

        :raises NotReadError: the file is not one of plain lines.
        :raises OSError: it cannot be read.
        """
        self._check_kind()
        while chunk := self._file.read(_CHUNK):
            self._read += len(chunk)
            if len(self.start) < FINGERPRINT_BYTES:
                self.start = os.pread(self._file.fileno(), FINGERPRINT_BYTES, 0)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for data in lines:
                if line := self._line(data):
                    yield line
            if len(self._rest) > MAX_LINE and not self._dropped:
                yield Line(self, self.given, self.given, None)
                self._dropped = len(self._rest)
                self._rest = b""
            elif self._dropped:
                self._dropped += len(self._rest)
                self._rest = b""

    def unfinished(self) -> Iterator[Line]:
        """Yield the last line although it has no end: nobody is going to write one."""
        if self._rest:
            start, self.given, data, self._rest = self.given, self._read, self._rest, b""
            yield Line(self, start, self.given, data, complete=False)

    def _line(self, data: bytes) -> Line | None:
        start, self.given = self.given, self.given + self._dropped + len(data) + 1
        if self._dropped:
            self._dropped = 0  # it was told of when it became too long
            return None
        return Line(self, start, self.given, data)

    def _check_kind(self) -> None:
        """Refuse what can be shipped but not followed: better one clear sentence than thousands of broken lines."""
        if self._checked:
            return
        start = self.start = os.pread(self._file.fileno(), FINGERPRINT_BYTES, 0)
        if len(start) < _KIND_BYTES and b"\n" not in start:
            return
        self._checked = True
        kind = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
        text = _BLANK.sub(b"", start, count=1)
        if text.startswith(b"["):
            kind = "a JSON array"
        elif text.split(b"\n", 1)[0].rstrip() == b"{":
            kind = "JSON with records over several lines"
        if kind:
            raise NotReadError(
                f"{self.path} is {kind}: only a plain file with a record on each line can be followed. Ship it without --follow."
            )

    def _note_identity(self) -> None:
        stat = os.fstat(self._file.fileno())
        self.device, self.inode = stat.st_dev, stat.st_ino
