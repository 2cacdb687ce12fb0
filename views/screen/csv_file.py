"""CSV export of lists for spreadsheets: UTF-8 with a byte order mark, streamed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from models.csv_copy import BLANKS, CONTROLS, FORMULA
from views.arguments import only_digits

_BATCH = 200


def neutral(text: str) -> str:
    """Return the text of a cell, escaped if a spreadsheet would interpret it as a formula.

    >>> neutral("=1+1")
    "'=1+1"
    >>> neutral("  =1+1")
    "'  =1+1"
    """
    suspect = text.startswith((*FORMULA, *CONTROLS)) or text.lstrip(BLANKS).startswith((*FORMULA,))
    return f"'{text}" if suspect and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return only_digits(text.removeprefix("-").replace(".", "", 1))


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a CSV file in chunks.

    :param head: the names of the columns.
    :param rows: the cells of each row.
    """
    buffer = io.StringIO("\ufeff")
    buffer.seek(1)
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([neutral(each) for each in head])
    for number, row in enumerate(rows, start=1):
        writer.writerow([neutral(each) for each in row])
        if number % _BATCH == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
