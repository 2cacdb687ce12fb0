"""The tables of imports: errors of a check, latest imports, and the rows of an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import clock
from models.customers.customer import Customer
from models.imports.import_run import ImportRow, ImportRun, Outcome, RunState
from views.arguments import page_number
from views.imports.checking import RowError
from views.screen import formats
from views.screen.formats import linked
from views.screen.table import Empty, Table, filled_table

PAGE_SIZE = 100
MAX_ERRORS = 2_000

STATES = {
    RunState.CHECKED: lazy_gettext("Checked, not imported yet"),
    RunState.RUNNING: lazy_gettext("Running"),
    RunState.DONE: lazy_gettext("Done"),
    RunState.UNDOING: lazy_gettext("Being undone"),
    RunState.UNDONE: lazy_gettext("Undone"),
}
OUTCOMES = {
    Outcome.WRITTEN: lazy_gettext("Imported"),
    Outcome.SAME: lazy_gettext("Nothing to change"),
    Outcome.REFUSED: lazy_gettext("Not imported"),
    Outcome.UNDONE: lazy_gettext("Undone"),
    Outcome.KEPT: lazy_gettext("Not undone"),
}


class Counts(NamedTuple):
    """The number of rows of an import by outcome."""

    written: int = 0
    same: int = 0
    refused: int = 0
    undone: int = 0
    kept: int = 0

    @property
    def worked_on(self) -> int:
        """The number of processed rows."""
        return sum(self)

    @property
    def to_undo(self) -> int:
        """The number of rows to be undone, including those already processed."""
        return self.written + self.undone + self.kept


def outcome_counts(session: Session, run: ImportRun) -> Counts:
    """Return the number of rows of an import by outcome."""
    counted = session.execute(
        select(ImportRow.outcome, func.count())
        .where(ImportRow.run_id == run.id, ImportRow.outcome.is_not(None))
        .group_by(ImportRow.outcome)
    ).all()
    return Counts(**{str(outcome): number for outcome, number in counted})


def state_word(state: str) -> str:
    """Return the label of a state."""
    return str(STATES[RunState(state)])


def error_table(errors: Sequence[RowError]) -> Table:
    """Return the table of the errors of a check."""
    columns = [
        (gettext("Row"), formats.NUMBER, lambda each: each.number),
        (gettext("Column"), formats.TEXT, lambda each: each.column),
        (gettext("Error"), formats.TEXT, lambda each: each.message),
    ]
    return filled_table(columns, errors[:MAX_ERRORS], title=gettext("Errors"), count=len(errors))


def run_table(runs: Sequence[ImportRun]) -> Table:
    """Return the table of the latest imports."""
    columns = [
        (gettext("Date and time"), formats.TEXT, lambda run: clock.screen_time(run.created_at)),
        (
            gettext("File"),
            formats.WORD,
            lambda run: linked(url_for("ImportView.show", import_key=run.id), formats.TEXT.cell(run.file_name)),
        ),
        (gettext("Rows"), formats.NUMBER, lambda run: run.row_count),
        (gettext("Status"), formats.TEXT, lambda run: state_word(run.state)),
        (gettext("User"), formats.TEXT, lambda run: run.actor["name"]),
    ]
    empty = Empty("upload", gettext("There has been no import yet."))
    return filled_table(columns, runs, title=gettext("Latest imports"), empty=empty)


def row_table(session: Session, run: ImportRun) -> Table:
    """Return the table of the rows of an import, one page at a time."""
    pages = max(1, -(-run.row_count // PAGE_SIZE))
    page = min(page_number(), pages)
    of_run = select(ImportRow).where(ImportRow.run_id == run.id).order_by(ImportRow.number)
    rows = session.scalars(of_run.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
    names = _names(session, rows)
    columns = [
        (gettext("Row"), formats.NUMBER, lambda row: row.number),
        (gettext("Company name"), formats.TEXT, lambda row: _company(row, names)),
        (gettext("Values to write"), formats.LINES, _effect),
        (gettext("Please check"), formats.LINES, _warnings),
        (gettext("Result"), formats.LINES, _result),
    ]
    empty = Empty("file-text", gettext("The rows of this import have been deleted."))
    return filled_table(columns, rows, title=gettext("Rows"), page=page, pages=pages, count=run.row_count, empty=empty)


def _names(session: Session, rows: Sequence[ImportRow]) -> dict[str, str]:
    """Return the names of the existing customers of rows that do not say the name, by ID."""
    ids = {row.content["customer_id"] for row in rows if not row.content["customer"]} - {None}
    if not ids:
        return {}
    found = session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(list(ids))))
    return {each.id: each.name for each in found}


def _company(row: ImportRow, names: Mapping[str, str]) -> str:
    content = row.content
    if content["customer"]:
        return str(content["customer"]["name"])
    key = content["customer_id"]
    return names.get(key, key) if key else gettext("as in row %(row)s", row=content["same_as"])


def _effect(row: ImportRow) -> str:
    content, lines = row.content, []
    if content["customer"] and not content["customer_id"]:
        lines.append(gettext("New customer"))
    lines += [
        gettext("%(column)s: %(before)s → %(after)s", column=column, before=before or "-", after=after or "-")
        for column, before, after in row.differences
    ]
    if content["contract"]:
        lines.append(gettext("New contract from %(day)s", day=content["contract"]["start_on"]))
    if content["utm"] and content["utm_key"] is None:
        lines.append(gettext("New UTM %(utm)s", utm=content["utm"]["utm_id"]))
    return "\n".join(lines) or gettext("Nothing to change")


def _warnings(row: ImportRow) -> str:
    return "\n".join(gettext(message, **values) for message, values in row.warnings)


def _result(row: ImportRow) -> str:
    if row.outcome is None:
        return ""
    told: list[Any] = [OUTCOMES[Outcome(row.outcome)]]
    if row.refusal:
        message, values = row.refusal["message"], row.refusal["values"]
        told.append(gettext(message, **values))
    return "\n".join(map(str, told))
