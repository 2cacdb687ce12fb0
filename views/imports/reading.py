"""Read the rows of an uploaded file: CSV in UTF-8 or Shift_JIS, or an Excel workbook (.xlsx)."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from models.errors import N_, DomainError
from models.imports.rules import MAX_ROWS
from models.values.text_file import decoded

MAX_BYTES = 5 * 1024 * 1024
"""The maximum size of a file in bytes."""

EMPTY = N_("The file has no rows.")
TOO_LARGE = N_("Choose a file of 5 MB or less.")
TOO_MANY_ROWS = N_("The file has more than %(most)s rows. Split it.")
UNREADABLE = N_("The file cannot be read. Choose a CSV file (UTF-8 or Shift_JIS) or an Excel workbook (.xlsx).")

# What the readers raise for a damaged or encrypted workbook, or one packed in a way that they do not support.
_DAMAGED = (
    *(CalamineError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError),
    *(OSError, ValueError, EOFError, RuntimeError, IndexError),
)
_MAX_UNPACKED = 60 * 1024 * 1024
_MAX_PARTS = 1_000
_MAX_COLUMNS = 200
_PIECE = 1024 * 1024
_OVERLAP = 64
# The references of cells and rows in a sheet. The reader allocates memory for all cells up to the last reference.
_PLACE = re.compile(rb"""\sr\s*=\s*["']\$?([A-Za-z]*)\$?([0-9]+)["']""")


def read_rows(data: bytes, *, least: int = 2) -> list[tuple[int, list[Any]]]:
    """Return the non-empty rows of a file, each with its row number in the file; the first is the header row.

    A cell is a string or, in a workbook, possibly a number, a date or a Boolean.

    :param least: the smallest number of rows.
    :raises DomainError: the file is too large, has too many rows, is empty, or has another format.
    """
    if len(data) > MAX_BYTES:
        raise DomainError(TOO_LARGE, field="file")
    return _numbered(_workbook(data) if data.startswith(b"PK") else _csv(data), least)


def read_lines(text: str) -> list[tuple[int, list[Any]]]:
    """Return the non-empty rows of pasted lines, like :func:`read_rows`: cells of a spreadsheet, or lines of a CSV file."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return _numbered(_separated(text, "\t" if "\t" in first else ","), 1)


def _numbered(rows: Iterable[list[Any]], least: int) -> list[tuple[int, list[Any]]]:
    found: list[tuple[int, list[Any]]] = []
    for number, cells in enumerate(rows, start=1):
        if not any(str(cell).strip() for cell in cells):
            continue
        if len(found) > MAX_ROWS:
            raise DomainError(TOO_MANY_ROWS, field="file", most=f"{MAX_ROWS:,}")
        found.append((number, list(cells)))
    if len(found) < least:
        raise DomainError(EMPTY, field="file")
    return found


def text_of(cell: Any) -> str:
    """Return the value of a cell as a user would type it."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _csv(data: bytes) -> Iterator[list[str]]:
    text = decoded(data)
    if text is None:
        raise DomainError(UNREADABLE, field="file")
    yield from _separated(text, ",")


def _separated(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    except csv.Error as error:
        raise DomainError(UNREADABLE, field="file") from error


def _workbook(data: bytes) -> Iterable[list[Any]]:
    try:
        _refuse_bombs(data)
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        return sheet.to_python(skip_empty_area=False)
    except _DAMAGED as error:
        raise DomainError(UNREADABLE, field="file") from error


def _refuse_bombs(data: bytes) -> None:
    """Raise DomainError if a workbook is too large when unpacked, or has a cell far beyond the permitted rows or columns."""
    unpacked = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if len(parts) > _MAX_PARTS:
            raise DomainError(UNREADABLE, field="file")
        for part in parts:
            end = b""
            with archive.open(part) as stream:
                while piece := stream.read(_PIECE):
                    unpacked += len(piece)
                    if unpacked > _MAX_UNPACKED:
                        raise DomainError(TOO_LARGE, field="file")
                    _refuse_far_cells(end + piece)
                    end = piece[-_OVERLAP:]


def _refuse_far_cells(piece: bytes) -> None:
    for letters, digits in _PLACE.findall(piece):
        # Trailing empty rows are common, but not ten times the maximum number of rows.
        if len(digits) > 7 or int(digits) > 10 * MAX_ROWS or _column(letters) > _MAX_COLUMNS:
            raise DomainError(TOO_MANY_ROWS, field="file", most=f"{MAX_ROWS:,}")


def _column(letters: bytes) -> int:
    if len(letters) > 3:
        return _MAX_COLUMNS + 1
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
