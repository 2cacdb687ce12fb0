"""The rows of a bulk registration of UTMs: pasted lines or a file, with or without a header row and company IDs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.errors import N_, DomainError
from models.imports.rules import MAX_ROWS
from views.imports.checking import columns_of
from views.imports.columns import BY_TITLE, COMPANY_ID, UTM_COLUMNS, FileColumn, plain_title
from views.imports.reading import TOO_MANY_ROWS, text_of

NOT_OF_UTMS = N_("The column %(column)s is not one of UTMs. Use the import of customers for it.")

NumberedRows = Sequence[tuple[int, list[Any]]]


def utm_rows(rows: NumberedRows, customer_id: str) -> tuple[list[FileColumn | None], NumberedRows]:
    """Return the columns and the other rows of a bulk registration; the first column is the company ID.

    Without a header row, the columns are those of the template, without the company ID if one is given.

    :param customer_id: the company ID of the rows that have none; empty for none.
    :raises DomainError: the header has a column that is unknown, duplicated or not one of UTMs, or there are too many rows.
    """
    first = [plain_title(text_of(cell)) for cell in rows[0][1]]
    if any(title in BY_TITLE for title in first):
        columns, rows = columns_of([*rows[0][1], *([] if _names_company(first) else [COMPANY_ID.title])]), rows[1:]
    else:
        columns = [*([] if customer_id else [COMPANY_ID]), *UTM_COLUMNS]
        columns += [COMPANY_ID] if customer_id else []
    strange = next((each for each in columns if each and each.part not in {"key", "utm"}), None)
    if strange is not None:
        raise DomainError(NOT_OF_UTMS, field="file", column=strange.title)
    if len(rows) > MAX_ROWS:
        raise DomainError(TOO_MANY_ROWS, field="file", most=f"{MAX_ROWS:,}")
    place = columns.index(COMPANY_ID)
    return columns, [(number, _filled(cells, len(columns), place, customer_id)) for number, cells in rows]


def _names_company(titles: Sequence[str]) -> bool:
    return plain_title(COMPANY_ID.title) in titles


def _filled(cells: list[Any], width: int, place: int, customer_id: str) -> list[Any]:
    """Return the cells of a row, with the company ID if it has none."""
    whole = [*cells, *[""] * (width - len(cells))]
    if not text_of(whole[place]).strip():
        whole[place] = customer_id
    return whole
