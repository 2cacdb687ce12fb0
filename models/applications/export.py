"""Export service applications as CSV (§13.2), streamed from PostgreSQL's COPY in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from psycopg import sql
from sqlalchemy.orm import Session

from models import csv_copy, scope
from models.applications import extra_question
from models.applications.application import ApplicationState

PAYMENT_METHOD = "その他"
"""What the reserved column ``payment_method`` contains."""

# YYYY-MM-DD hh:mm:ss, without the fraction of the second; twice as fast as to_char().
_TIME = "left(({} AT TIME ZONE 'Asia/Tokyo')::text, 19)"

# The columns of §13.2 in order, and the SQL expression of each: ``a`` is the application, ``d`` a delivery address.
_CELLS = {
    "application_number": "a.id",
    "application_date": _TIME.format("a.applied_at"),
    "status": "a.state",
    "account_name": "a.company",
    "last_name": "a.last_name",
    "first_name": "a.first_name",
    "department": "a.department",
    "position": "a.title",
    "mail_address": "a.email",
    "zipcode": "a.postcode",
    "state": "a.prefecture",
    "address": "a.address",
    "phone_number": "a.phone",
    "payment_method": f"'{PAYMENT_METHOD}'",
    "payment_type": "''",
    "notes": "a.memo1",
    "notes2": "a.memo2",
    "notes3": "a.memo3",
    "utm_account_name": "d.company",
    "utm_last_name": "d.last_name",
    "utm_first_name": "d.first_name",
    "utm_department": "d.department",
    "utm_phone_number": "d.phone",
    "utm_zipcode": "d.postcode",
    "utm_address": "(d.prefecture || d.address)",
    "utm_application_time": _TIME.format("d.created_at"),
    "utm_count": "d.utm_count",
}
COLUMNS = tuple(_CELLS)
"""The columns without those of the extra questions."""

# What people entered. The other cells cannot begin like a formula.
_TEXTS = frozenset(_CELLS.values()) - {
    *("a.id", "a.state", "a.prefecture", "d.utm_count", "''", f"'{PAYMENT_METHOD}'"),
    *(_TIME.format("a.applied_at"), _TIME.format("d.created_at")),
}

# Joined once for each question: faster than to collect the answers of each application.
_JOINED_ANSWER = (
    " LEFT JOIN application_answer {answer} ON {answer}.tenant_id = a.tenant_id"
    " AND {answer}.application_id = a.id AND {answer}.field_id = {key}"
)


def questions(session: Session) -> dict[str, list[int]]:
    """Return the titles of a tenant's extra questions in the order of the columns, with the IDs of the questions.

    Those in use come first. A title is one column, also if a retired question had the same one.
    """
    columns: dict[str, list[int]] = {}
    for question in extra_question.every(session):
        columns.setdefault(question.title, []).append(question.id)
    return columns


def csv_blocks(
    session: Session,
    *,
    start: datetime | None,
    end: datetime | None,
    asked: Mapping[str, list[int]],
    states: Mapping[str, str],
) -> Iterator[bytes]:
    """Generate the applications of a period as CSV, newest first: a row for each delivery address.

    All cells are quoted, so that programs with an option for it keep the zero at the beginning of a phone number.

    :param session: a session of the tenant; it is busy until the last block is consumed.
    :param start: the first moment, None for no limit.
    :param end: the first moment after the period, None for no limit.
    :param asked: of ``questions``.
    :param states: the label of each state.
    """
    where = [
        sql.SQL("a.tenant_id = {}").format(scope.own_tenant_id(session)),
        sql.SQL("a.state <> {}").format(ApplicationState.UNCONFIRMED.value),
        *([sql.SQL("a.applied_at >= {}").format(start)] if start is not None else []),
        *([sql.SQL("a.applied_at < {}").format(end)] if end is not None else []),
    ]
    cells = [
        *(_cell(expression, states) for expression in _CELLS.values()),
        *(csv_copy.safe(_answers(keys)) for keys in asked.values()),
    ]
    query = sql.SQL(
        "SELECT {cells} FROM service_application a"
        " LEFT JOIN service_delivery d ON d.tenant_id = a.tenant_id AND d.application_id = a.id"
        "{answers} WHERE {where} ORDER BY a.applied_at DESC, a.id DESC, d.id"
    ).format(
        cells=sql.SQL(", ").join(cells),
        answers=sql.SQL("").join(
            sql.SQL(_JOINED_ANSWER).format(answer=_answer(key), key=key) for keys in asked.values() for key in keys
        ),
        where=sql.SQL(" AND ").join(where),
    )
    yield from csv_copy.blocks(session.connection(), query, quoted=True)


def _cell(expression: str, states: Mapping[str, str]) -> sql.Composable:
    if expression == "a.state":
        return csv_copy.label(expression, states)
    cell = sql.SQL(expression)
    return csv_copy.safe(cell) if expression in _TEXTS else cell


def _answers(keys: list[int]) -> sql.Composable:
    """Return an expression for the answers to questions with the same title, each on a line."""
    values = [sql.SQL("{}.value").format(_answer(key)) for key in keys]
    return values[0] if len(values) == 1 else sql.SQL("concat_ws(E'\\n', {})").format(sql.SQL(", ").join(values))


def _answer(key: int) -> sql.Identifier:
    return sql.Identifier(f"answer_{key}")
