"""Logos: only the picture of a PNG is kept."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageFile

from models.errors import DomainError
from models.values.png import DAMAGED, NOT_A_PNG, TOO_WIDE, clean_png

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width=2, height=2, depth=8, kind=2, interlace=0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace))


def png(*between: bytes, head: bytes | None = None, raw: bytes = b"\0" + b"\x10" * 6 + b"\0" + b"\x10" * 6) -> bytes:
    """A picture of two by two pixels, with further chunks before the pixels."""
    return SIGNATURE + (head or header()) + b"".join(between) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND")


def refusal(data: bytes) -> str:
    with pytest.raises(DomainError) as error:
        clean_png(data)
    return error.value.message


def pixels(data: bytes) -> list:
    with Image.open(io.BytesIO(data)) as picture:
        return list(picture.convert("RGBA").get_flattened_data())


GREY = [(16, 16, 16, 255)] * 4


def test_the_pixels_stay_as_they_are():
    assert pixels(clean_png(png())) == GREY


@pytest.mark.parametrize("kind", [b"tEXt", b"iTXt", b"eXIf", b"acTL", b"gAMA"])
def test_whatever_is_not_the_picture_is_removed(kind):
    assert clean_png(png(chunk(kind, b"Comment\0<script>alert(1)</script>"))) == clean_png(png())


@pytest.mark.parametrize("after", [b"<script>alert(1)</script>", png()])
def test_whatever_follows_the_picture_is_removed(after):
    assert clean_png(png() + after) == clean_png(png())


def test_a_palette_and_its_transparency_are_kept():
    made = png(
        chunk(b"PLTE", b"\0\0\0\xff\xff\xff"),
        chunk(b"tRNS", b"\0"),
        head=header(depth=1, kind=3),
        raw=b"\0\x80\0\x40",
    )

    assert pixels(clean_png(made)) == pixels(made)
    assert {alpha for *_, alpha in pixels(made)} == {0, 255}


def test_an_interlaced_picture_is_read():
    # Two by two pixels: one in the first pass, one in the sixth, two in the seventh.
    made = png(head=header(kind=0, interlace=1), raw=b"\0\x01\0\x02\0\x03\x04")

    assert [red for red, *_ in pixels(clean_png(made))] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + b"\0" * 20,
        b"\xff\xd8\xff\xe0JFIF",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%PDF-1.7\n" + png(),
        b"<html>" + png(),
    ],
)
def test_another_format_is_no_png(data):
    assert refusal(data) == NOT_A_PNG


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE,
        png()[:40],
        png().replace(b"IDAT", b"IDAt"),
        SIGNATURE + header() + chunk(b"IEND"),
        SIGNATURE + chunk(b"IDAT", zlib.compress(b"\0" * 14)) + chunk(b"IEND"),
        png(head=header(width=0)),
        png(head=header(depth=3)),
        png(head=header(kind=5)),
        png(head=header(kind=3)),
        png(chunk(b"tRNS", b"\0\0")),
        png(raw=b"\0" * 13),
        png(raw=b"\5" * 14),
        png(head=header(2**32 - 1, 2**32 - 1)),
        SIGNATURE + header() + chunk(b"IDAT", b"not compressed") + chunk(b"IEND"),
        SIGNATURE + struct.pack(">I4s", 2**32 - 1, b"IHDR") + b"\0" * 40,
    ],
)
def test_a_damaged_file_is_refused(data):
    assert refusal(data) == DAMAGED


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt"])
def test_a_decompression_bomb_in_a_comment_is_refused(kind):
    assert refusal(png(chunk(kind, b"x\0\0" + zlib.compress(b"\0" * 100_000_000, 9)))) == DAMAGED


@pytest.mark.parametrize("size", [(1001, 1), (1, 1001), (9000, 9000)])
def test_a_large_picture_is_refused_by_its_header(size):
    assert refusal(png(head=header(*size))) == TOO_WIDE


def test_damage_is_refused_whatever_another_package_allows(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)

    with pytest.raises(DomainError):
        clean_png(SIGNATURE + header() + chunk(b"IDAT", b"not compressed") + chunk(b"IEND"))
