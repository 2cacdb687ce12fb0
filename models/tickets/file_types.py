"""The types of files that can be attached to tickets, decided by their content, and safe file names.

A file is only ever stored and downloaded: nothing here unpacks or renders it, so a ZIP file may be of any content. The type
is checked so that people do not send each other programs and web pages by mistake; what keeps a page that is disguised as
a picture harmless is how it is downloaded (``views.tickets.thread.download``).
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import puremagic

from models.errors import N_, DomainError
from models.values.visible_text import shows, visible

NAME_LENGTH = 120

_OFFICE = "application/vnd.openxmlformats-officedocument"
BINARY = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
}
"""The types with a signature, by the ending of the name."""
TEXTS = {".txt": "text/plain", ".log": "text/plain", ".csv": "text/csv"}
"""The types of plain text."""
ALLOWED = (*BINARY, *TEXTS)

NOT_ALLOWED = N_("%(name)s: files of this type cannot be attached.")
NOT_ITS_TYPE = N_("%(name)s: the content is not of the type that the name says.")

_MARKUP = frozenset({".html", ".htm", ".xhtml", ".svg", ".xml"})
_NOT_IN_NAMES = frozenset('<>:"|?*')
# ISO-2022-JP uses the escape character.
_TEXT_CONTROLS = "\r\n\t\f\x1b"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def clean_name(typed: str) -> str:
    """Return a file name that is safe to store, to show and to save: the last part of a path, without invisible characters.

    Directional controls are removed too: with them, a name that ends with ``.exe`` can look as if it ended with ``.txt``.

    >>> clean_name("../../etc/passwd.txt")
    'passwd.txt'
    """
    last = typed.replace("\\", "/").rpartition("/")[2]
    composed = visible(unicodedata.normalize("NFC", last))
    kept = "".join(
        char for char in composed if unicodedata.category(char) not in {"Cc", "Cs"} and char not in _NOT_IN_NAMES
    )
    stem, dot, ending = kept.strip().rstrip(". ").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    stem = stem.strip(" .")
    if not shows(stem):
        stem = "file"
    room = NAME_LENGTH - len(dot + ending)
    return f"{stem[:room]}{dot}{ending}" if room > 0 else stem[:NAME_LENGTH]


def media_type(name: str, data: bytes) -> str:
    """Return the type of a file.

    :param name: the cleaned name.
    :raises DomainError: files of this type are not allowed, or the content is of another type than the name says.
    """
    ending = PurePosixPath(name).suffix.lower()
    found = _endings_of(data)
    if ending in BINARY:
        if ending not in found:
            raise DomainError(NOT_ITS_TYPE, field="files", name=name)
        return BINARY[ending]
    if ending in TEXTS:
        if found & _MARKUP or not _is_text(data):
            raise DomainError(NOT_ITS_TYPE, field="files", name=name)
        return TEXTS[ending]
    raise DomainError(NOT_ALLOWED, field="files", name=name)


def _endings_of(data: bytes) -> set[str]:
    """Return the endings of the types that begin like some content."""
    # Blanks before markup do not keep a browser from reading it.
    for beginning in (data, data.lstrip()):
        try:
            return {each.extension for each in puremagic.magic_string(beginning)}
        except (puremagic.PureError, ValueError):
            continue
    return set()


def _is_text(data: bytes) -> bool:
    for encoding in ("utf-16",) if data.startswith(_UTF_16_MARKS) else ("utf-8", "cp932"):
        try:
            decoded = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(unicodedata.category(char) in {"Cc", "Cn", "Cs"} and char not in _TEXT_CONTROLS for char in decoded):
            return True
    return False
