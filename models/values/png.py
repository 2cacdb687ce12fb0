"""Check PNG files from users, and reduce them to the picture.

Only what a picture needs is kept: the header, the palette, transparency and the pixels. Other chunks, such as comments, the
place of a photograph or animations, are removed. Files with anything after the end are refused, because such a file can be
valid in another format as well. The pixels are decompressed only up to the size that the header declares.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from models.errors import N_, DomainError

MAX_SIDE = 1000
"""The maximum width and height, in pixels."""

NOT_A_PNG = N_("This is not a PNG file.")
DAMAGED = N_("The PNG file is damaged. Save it again and try once more.")
TOO_WIDE = N_("The picture must be at most 1000 pixels wide and high.")

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOURS, _PALETTE, _GREY_ALPHA, _COLOURS_ALPHA = 0, 2, 3, 4, 6
_DEPTHS = {
    _GREY: {1, 2, 4, 8, 16},
    _COLOURS: {8, 16},
    _PALETTE: {1, 2, 4, 8},
    _GREY_ALPHA: {8, 16},
    _COLOURS_ALPHA: {8, 16},
}
_SAMPLES = {_GREY: 1, _COLOURS: 3, _PALETTE: 1, _GREY_ALPHA: 2, _COLOURS_ALPHA: 4}
_LAST_FILTER = 4
# Adam7: the first column and row of each pass, and the steps between its columns and rows.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_FRAME = 12
"""Bytes of a chunk besides its data: length, type and checksum."""


class _Header(NamedTuple):
    width: int
    height: int
    depth: int
    kind: int
    interlaced: bool


def clean_png(data: bytes) -> bytes:
    """Return a PNG file with only what its picture needs.

    :raises DomainError: the data is not one complete PNG file, or the picture is too wide or high.
    """
    if not data.startswith(_SIGNATURE):
        raise DomainError(NOT_A_PNG)
    header: _Header | None = None
    kept: list[tuple[bytes, bytes]] = []
    pixels: list[bytes] = []
    last = b""
    for kind, body in _chunks(data):
        if header is None:
            header = _header(kind, body)
            kept.append((kind, body))
        elif kind == b"IDAT":
            _check(not pixels or last == b"IDAT")
            pixels.append(body)
        elif kind in {b"PLTE", b"tRNS"}:
            _check(not pixels and all(kind != other for other, _ in kept))
            kept.append((kind, body))
        elif kind == b"IEND":
            _check(not body)
        else:
            # An upper-case first letter marks a chunk without which the picture cannot be shown.
            _check(kind[:1].islower())
        last = kind
    if header is None or last != b"IEND" or not pixels:
        raise DomainError(DAMAGED)
    _check_palette(header, dict(kept))
    compressed = _checked_pixels(header, b"".join(pixels))
    return _SIGNATURE + b"".join(_chunk(*each) for each in (*kept, (b"IDAT", compressed), (b"IEND", b"")))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and data of each chunk; the last one is the first ``IEND``, which must end the file."""
    start, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        _check(start + _FRAME <= len(data))
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + _FRAME + length
        _check(end <= len(data) and kind.isalpha())
        body = data[start + 8 : end - 4]
        _check(zlib.crc32(kind + body) == struct.unpack_from(">I", data, end - 4)[0])
        yield kind, body
        start = end
    _check(start == len(data))


def _header(kind: bytes, body: bytes) -> _Header:
    _check(kind == b"IHDR" and len(body) == struct.calcsize(">IIBBBBB"))
    width, height, depth, colours, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    _check(depth in _DEPTHS.get(colours, ()) and compression == filtering == 0 and interlace in {0, 1})
    _check(width > 0 and height > 0)
    if width > MAX_SIDE or height > MAX_SIDE:
        raise DomainError(TOO_WIDE)
    return _Header(width, height, depth, colours, interlace == 1)


def _check_palette(header: _Header, kept: dict[bytes, bytes]) -> None:
    palette, transparency = kept.get(b"PLTE"), kept.get(b"tRNS")
    _check((palette is not None) if header.kind == _PALETTE else True)
    if palette is not None:
        _check(header.kind not in {_GREY, _GREY_ALPHA} and len(palette) % 3 == 0 and 0 < len(palette) <= 3 * 256)
    if transparency is not None:
        expected = {_GREY: {2}, _COLOURS: {6}, _PALETTE: range(1, len(palette or b"") // 3 + 1)}
        _check(len(transparency) in expected.get(header.kind, ()))


def _checked_pixels(header: _Header, compressed: bytes) -> bytes:
    """Return the compressed pixels, compressed again if that is not longer, so that nothing is hidden in the stream."""
    rows = list(_rows(header))
    size = sum(rows)
    reader = zlib.decompressobj()
    try:
        raw = reader.decompress(compressed, size + 1)
    except zlib.error:
        raise DomainError(DAMAGED) from None
    _check(len(raw) == size and reader.eof and not reader.unused_data)
    place = 0
    for length in rows:
        _check(raw[place] <= _LAST_FILTER)
        place += length
    again = zlib.compress(raw, 9)
    return again if len(again) <= len(compressed) else compressed


def _rows(header: _Header) -> Iterator[int]:
    """Yield the number of bytes of each row of pixels, with the byte for its filter."""
    bits = _SAMPLES[header.kind] * header.depth
    for column, row, across, down in _PASSES if header.interlaced else ((0, 0, 1, 1),):
        width = (header.width - column + across - 1) // across
        height = (header.height - row + down - 1) // down
        if width > 0:
            for _ in range(height):
                yield 1 + (width * bits + 7) // 8


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _check(condition: object) -> None:
    if not condition:
        raise DomainError(DAMAGED)
