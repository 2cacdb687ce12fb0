"""Decompresses and decodes log files in chunks.

The format is detected by the first bytes of a file, not by its name: files get renamed, and an ``eve.json.bz2`` is often plain text.
No chunk is longer than 64 KiB, so that memory stays bounded even if a small file decompresses to gigabytes.
"""

from __future__ import annotations

import bz2
import codecs
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

CHUNK = 64 * 1024
_ENCODING_BYTES = 8

# Formats that are recognised only to report them, instead of thousands of unreadable lines.
_UNSUPPORTED = {
    b"PK\x03\x04": "a ZIP archive",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
}


class UnsupportedFileError(Exception):
    """The format of a file is not supported; the text is one line for the user."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of bz2's, which buffers unconsumed input itself."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._kept = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = CHUNK, /) -> bytes:
        out = self._zlib.decompress(self._kept + data, max_length)
        self._kept = self._zlib.unconsumed_tail
        # After a full chunk, zlib may have more output although all input is consumed.
        self.needs_input = not self._kept and len(out) < max_length
        return out


class DecompressedFile:
    """A log file, plain or compressed with gzip or bzip2.

    :param path: the file.
    :ivar size: size of the file in bytes when it was last opened.
    :ivar taken: number of bytes of the file that were read.
    :ivar damage: after reading, why the end of the file could not be decompressed; None if there was no error.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = self.taken = 0
        self.damage: str | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the decompressed bytes in chunks of at most 64 KiB, up to the first error.

        :raises UnsupportedFileError: the file is an archive or compressed in another way.
        :raises OSError: the file cannot be opened or read.
        """
        self.damage = None
        with self.path.open("rb") as file:
            self.size, self.taken = os.fstat(file.fileno()).st_size, 0
            start = file.peek(8)[:8]
            for magic, name in _UNSUPPORTED.items():
                if start.startswith(magic):
                    raise UnsupportedFileError(
                        f"{self.path} is {name}; unpack it first (plain, gzip and bzip2 files are read)."
                    )
            if start.startswith(b"\x1f\x8b"):
                yield from self._unpack(file, _Gzip, "gzip")
            elif start.startswith(b"BZh"):
                yield from self._unpack(file, bz2.BZ2Decompressor, "bzip2")
            else:
                while data := self._take(file):
                    yield data

    def _take(self, file: IO[bytes]) -> bytes:
        data = file.read(CHUNK)
        self.taken += len(data)
        return data

    def _unpack(self, file: IO[bytes], new: Callable[[], _Unpacker], kind: str) -> Iterator[bytes]:
        unpacker = new()
        rest = b""
        while True:
            if not rest and unpacker.needs_input:
                rest = self._take(file)
                if not rest:
                    self.damage = f"the {kind} data ends early; what came before was used"
                    return
            try:
                out = unpacker.decompress(rest, CHUNK)
            except (zlib.error, OSError, EOFError, ValueError):
                self.damage = f"the {kind} data is damaged; what came before was used"
                return
            rest = b""
            if out:
                yield out
            if unpacker.eof:
                # Several compressed files may be concatenated, and padded with NUL bytes.
                rest = unpacker.unused_data.lstrip(b"\0")
                while not rest:
                    data = self._take(file)
                    if not data:
                        return
                    rest = data.lstrip(b"\0")
                unpacker = new()


def decoded_text(file: DecompressedFile) -> Iterator[str]:
    """Yield the decoded text in chunks; the encoding is detected by the first bytes.

    Bytes that are not valid UTF-8 become lone surrogates. NUL characters, with which files may be padded, are removed.
    """
    chunks = file.chunks()
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= _ENCODING_BYTES:
            break
    encoding = encoding_of(start)
    errors = "surrogateescape" if encoding == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    yield decoder.decode(start).replace("\0", "")
    for chunk in chunks:
        yield decoder.decode(chunk).replace("\0", "")
    yield decoder.decode(b"", final=True)


def encoding_of(start: bytes) -> str:
    """Return the encoding of a log.

    :param start: the first bytes of the log, eight if it has so many.
    """
    # A log starts with ASCII characters. In UTF-16, every second of their bytes is NUL, which padding with NUL bytes does not look like.
    has_mark = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if has_mark and (0 in start[:_ENCODING_BYTES] or len(start) == len(codecs.BOM_UTF16)):
        return "utf-16"
    zeros = [byte == 0 for byte in start[:4]]
    # Some Windows tools write no byte order mark.
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    if zeros == [True, False, True, False]:
        return "utf-16-be"
    return "utf-8"
