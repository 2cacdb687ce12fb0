"""Check PNG files from users, and reduce them to the picture."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageFile

from models.errors import N_, DomainError

MAX_SIDE = 1000
"""The maximum width and height, in pixels."""

NOT_A_PNG = N_("This is not a PNG file.")
DAMAGED = N_("The PNG file is damaged. Save it again and try once more.")
TOO_WIDE = N_("The picture must be at most 1000 pixels wide and high.")

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What Pillow raises for files that are cut off, inconsistent, or larger when unpacked than their header says.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


def clean_png(data: bytes) -> bytes:
    """Return the picture of a PNG file, written anew.

    Comments, the place of a photograph, further frames and anything behind the picture are not carried over, so that the
    result cannot be valid in another format as well.

    :raises DomainError: the data is not a complete PNG file, or the picture is too wide or high.
    """
    if not data.startswith(_SIGNATURE):
        raise DomainError(NOT_A_PNG)
    # WeasyPrint lets Pillow accept damaged files, in the whole process, when it is imported.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            # Known from the header, before any pixel is unpacked.
            if max(picture.size) > MAX_SIDE:
                raise DomainError(TOO_WIDE)
            picture.load()
            transparency = picture.info.get("transparency")
            picture.info.clear()
            written = io.BytesIO()
            picture.save(written, format="PNG", optimize=True, transparency=transparency)
    except _DAMAGE:
        raise DomainError(DAMAGED) from None
    return written.getvalue()
