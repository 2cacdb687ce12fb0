"""The text of a file that was written by a spreadsheet."""

from __future__ import annotations


def decoded(content: bytes) -> str | None:
    """Return the text of a file in UTF-8, or in Shift_JIS as Japanese spreadsheet software writes it.

    :returns: None if the file has another encoding or is not a text file.
    """
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None
