"""The lines of a request body from a UTM, read piece by piece: memory use does not depend on the size of the body."""

from __future__ import annotations

import codecs
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from models.alerts.line import MAX_LINE_BYTES

MAX_BODY_BYTES = 16 * 1024 * 1024
"""The maximum size of a body as transmitted."""
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""The maximum size of a gzip body when decompressed."""
MAX_COUNTED_LINES = 100_000
"""The maximum number of lines read. Lines beyond the storage limit are still counted for the response, up to this number."""
_PIECE = 64 * 1024
_BROKEN_OFF = (ClientDisconnected, OSError)


class BodyProblem(Exception):
    """The body cannot be read to its end; the message gives the reason."""


class BodyTooLarge(BodyProblem):
    """The body exceeds a limit."""


class BodyMalformed(BodyProblem):
    """The transfer encoding of the body is malformed."""


class BodyNotLines(BodyProblem):
    """The body does not consist of lines; no line was read."""


class UnsupportedEncoding(BodyProblem):
    """The body has an unsupported content encoding; no line was read."""


class Lines:
    """An iterator over the number and bytes of each line of a request body.

    Blank lines are skipped but counted, and a leading byte order mark is removed. A line that is too long is truncated to
    a length that the parser still rejects. After the iteration, ``problem`` is the reason why it ended early, None if it
    did not, and ``number`` is the number of the last line.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.problem: BodyProblem | None = None
        self.number = 0
        self._cut: BodyProblem | None = None
        self._begun = False

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        # Disable Flask's limit, which would reject the whole body; the limits are checked below.
        self._request.max_content_length = sys.maxsize
        pending = bytearray()
        pieces = self._pieces()
        try:
            for piece in pieces:
                pending += piece
                if self.number == 0 and pending.startswith(codecs.BOM_UTF8):
                    del pending[: len(codecs.BOM_UTF8)]
                yield from self._complete(pending)
            if self._cut is not None:
                raise self._cut
        except BodyProblem as problem:
            # What is left in `pending` is an incomplete line, to which the problem is attributed.
            self.problem = problem
            return
        if pending.strip():
            try:
                self._refuse_array(pending)
            except BodyProblem as problem:
                self.problem = problem
                return
            self.number += 1
            yield self.number, bytes(pending)

    def _complete(self, pending: bytearray) -> Iterator[tuple[int, bytes]]:
        start = 0
        while (end := pending.find(b"\n", start)) >= 0:
            self.number += 1
            line = pending[start:end].rstrip(b"\r")
            start = end + 1
            if self.number > MAX_COUNTED_LINES:
                raise BodyTooLarge(f"the body has more than {MAX_COUNTED_LINES} lines")
            if line.strip():
                self._refuse_array(line)
                yield self.number, bytes(line[: MAX_LINE_BYTES + 1])
        del pending[:start]
        # Of an unterminated line, keep only enough to detect that it is too long.
        del pending[MAX_LINE_BYTES + 1 :]

    def _refuse_array(self, line: bytearray) -> None:
        """Reject a body that starts as a JSON array: if it has several lines, its last object would be taken for a line."""
        if not self._begun and line.lstrip().startswith(b"["):
            raise BodyNotLines("the body is a JSON array: send one JSON object a line")
        self._begun = True

    def _pieces(self) -> Iterator[bytes]:
        encoding = self._request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in {"", "identity"}:
            yield from self._wire()
        elif encoding in {"gzip", "x-gzip"}:
            yield from self._unpacked()
        else:
            raise UnsupportedEncoding("Content-Encoding: only gzip is understood")

    def _wire(self) -> Iterator[bytes]:
        taken = 0
        stream: Any = self._request.stream
        while piece := self._take(stream, min(_PIECE, MAX_BODY_BYTES + 1 - taken)):
            taken += len(piece)
            if taken > MAX_BODY_BYTES:
                self._drain(stream)
                raise BodyTooLarge(f"the body is longer than {MAX_BODY_BYTES} bytes")
            yield piece
        if taken < (self._request.content_length or 0):
            self._cut = BodyProblem("the connection ended before the body")

    def _take(self, stream: Any, size: int) -> bytes:
        """Read a piece; empty at the end of the body, or where it is malformed or the connection was lost."""
        try:
            return stream.read(size)
        except ParseException:
            self._cut = BodyMalformed("the body is not chunked as HTTP says from here on")
        except _BROKEN_OFF:
            self._cut = BodyProblem("the connection ended before the body")
        # The next read returns what the server had buffered before the error.
        with suppress(ParseException, *_BROKEN_OFF):
            return stream.read(size)
        return b""

    @staticmethod
    def _drain(stream: Any) -> None:
        """Read and discard the rest, up to a limit: a client that is cut off while sending never sees the response."""
        left = 4 * MAX_BODY_BYTES
        with suppress(ParseException, *_BROKEN_OFF):
            while left > 0 and (piece := stream.read(_PIECE)):
                left -= len(piece)

    def _unpacked(self) -> Iterator[bytes]:
        unpacked = 0
        unzip = zlib.decompressobj(wbits=31)
        inside = False
        for wire in self._wire():
            piece = wire
            while piece:
                inside = True
                try:
                    out = unzip.decompress(piece, _PIECE)
                except zlib.error:
                    raise BodyProblem("the body is not gzip from here on") from None
                unpacked += len(out)
                if unpacked > MAX_UNPACKED_BYTES:
                    raise BodyTooLarge(f"the body unpacks to more than {MAX_UNPACKED_BYTES} bytes")
                if out:
                    yield out
                piece = unzip.unconsumed_tail
                if unzip.eof:
                    # A body may consist of several concatenated gzip members.
                    piece = unzip.unused_data
                    unzip = zlib.decompressobj(wbits=31)
                    inside = False
        if inside:
            yield unzip.flush()  # zlib holds back less than one match, too little to check
            raise self._cut or BodyProblem("the gzip body ends before its end")
