"""Look up the customers and UTMs that a file refers to, by keys normalized in the same way as by the forms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from views.forms.fields import TextField
from views.imports.columns import FileColumn, plain_title
from views.imports.existing_rows import Known, read_known, read_taken
from views.imports.reading import text_of
from views.screen.form import ScreenForm
from views.utms.form import SerialField, UtmIdField

_KEYS = {("customer", "name"), ("utm", "utm_id"), ("utm", "serial")}


class _KeyForm(ScreenForm):
    name = TextField()
    utm_id = UtmIdField()
    serial = SerialField()


def known_of_file(
    session: Session,
    everybody: Session,
    columns: list[FileColumn | None],
    rows: Iterable[list[Any]],
    *,
    today: date,
) -> Known:
    """Return the existing data that a file refers to.

    :param session: the session of the tenant.
    :param everybody: a cross-tenant session.
    :param columns: the column for each cell of a row.
    :param rows: the cells of each row.
    :param today: the current date in Asia/Tokyo.
    """
    form = _KeyForm(formdata=None, meta={"csrf": False})
    found: dict[str, set[str]] = {"customer_id": set(), "name": set(), "utm_id": set(), "serial": set()}
    for cells in rows:
        typed = {}
        for column, cell in zip(columns, cells, strict=False):
            if column is None:
                continue
            if column.part == "key":
                found["customer_id"].add(plain_title(text_of(cell)).upper())
            elif (column.part, column.name) in _KEYS:
                typed[column.name] = text_of(cell)
        form.process(MultiDict(typed))
        for name in typed:
            found[name].add(form[name].data)
    known = read_known(session, found["customer_id"], found["name"], found["utm_id"], today=today)
    read_taken(everybody, known, found["utm_id"], found["serial"])
    return known
