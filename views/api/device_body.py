"""The lines of a device's body, read piece by piece: what is in memory never grows with what is sent."""

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
"""What may come over the wire."""
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""What a gzip body may unpack to."""
MAX_COUNTED_LINES = 100_000
"""Lines past those that are stored are still counted for the answer, but not by the million."""
_PIECE = 64 * 1024
_BROKEN_OFF = (ClientDisconnected, OSError)


class BodyProblem(Exception):
    """The body ends before its end; the text says why."""


class BodyTooLarge(BodyProblem):
    """The body is larger than is taken."""


class BodyMalformed(BodyProblem):
    """The body does not come as HTTP says."""


class BodyNoLines(BodyProblem):
    """The body is not made of lines: nothing of it was read."""


class BodyUnreadable(BodyProblem):
    """The body is packed in a way that is not understood: nothing of it was read."""


class Lines:
    """Iterates over (number, bytes) of a request's lines; blank lines are passed over, but counted, and a byte order mark
    at the start is left out.

    After the iteration ``problem`` says why it ended early, None when it did not, and ``number`` is the last line's.
    A line that is too long is given cut off, for the parser to refuse.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.problem: BodyProblem | None = None
        self.number = 0
        self._cut: BodyProblem | None = None
        self._begun = False

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        # The limit here is not Flask's, which would refuse the body whole.
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
            # What is left in `pending` is half a line: it is the problem's, not the sender's.
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
        # Of a line without an end only as much is kept as shows that it is too long.
        del pending[MAX_LINE_BYTES + 1 :]

    def _refuse_array(self, line: bytearray) -> None:
        """Refuse a body that begins as a JSON array: of one in several lines the last object would pass for a line."""
        if not self._begun and line.lstrip().startswith(b"["):
            raise BodyNoLines("the body is a JSON array: send one JSON object a line")
        self._begun = True

    def _pieces(self) -> Iterator[bytes]:
        encoding = self._request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in {"", "identity"}:
            yield from self._wire()
        elif encoding in {"gzip", "x-gzip"}:
            yield from self._unpacked()
        else:
            raise BodyUnreadable("Content-Encoding: only gzip is understood")

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
        """Read a piece; none at the end, whether that is the body's or comes before it."""
        try:
            return stream.read(size)
        except ParseException:
            self._cut = BodyMalformed("the body is not chunked as HTTP says from here on")
        except _BROKEN_OFF:
            self._cut = BodyProblem("the connection ended before the body")
        # What the server had taken in before is given out by the next reading.
        with suppress(ParseException, *_BROKEN_OFF):
            return stream.read(size)
        return b""

    @staticmethod
    def _drain(stream: Any) -> None:
        """Read on for a while and forget it: a sender that is cut off while sending never sees the answer."""
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
                    # Several gzip members in a row are one body.
                    piece = unzip.unused_data
                    unzip = zlib.decompressobj(wbits=31)
                    inside = False
        if inside:
            yield unzip.flush()  # less than one match: zlib holds back no more
            raise self._cut or BodyProblem("the gzip body ends before its end")
