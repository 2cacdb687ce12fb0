"""Export service applications as rows of a file (§13.2), streamed with a server-side cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, cast, func, select
from sqlalchemy.orm import Session

from models import clock
from models.applications import extra_question
from models.applications.application import ApplicationAnswer, ApplicationState, ServiceApplication, ServiceDelivery

PAYMENT_METHOD = "その他"
"""What the reserved column ``payment_method`` contains."""

_BATCH = 500

_APPLICATION = {
    "application_number": "id",
    "application_date": "applied_at",
    "status": "state",
    "account_name": "company",
    "last_name": "last_name",
    "first_name": "first_name",
    "department": "department",
    "position": "title",
    "mail_address": "email",
    "zipcode": "postcode",
    "state": "prefecture",
    "address": "address",
    "phone_number": "phone",
}
_MEMOS = {"notes": "memo1", "notes2": "memo2", "notes3": "memo3"}
_DELIVERY = {
    "utm_account_name": "company",
    "utm_last_name": "last_name",
    "utm_first_name": "first_name",
    "utm_department": "department",
    "utm_phone_number": "phone",
    "utm_zipcode": "postcode",
    "utm_address": "full_address",
    "utm_application_time": "created_at",
    "utm_count": "utm_count",
}
COLUMNS = (*_APPLICATION, "payment_method", "payment_type", *_MEMOS, *_DELIVERY)
"""The columns of §13.2 in order, without those of the extra questions."""


def questions(session: Session) -> dict[str, list[int]]:
    """Return the titles of a tenant's extra questions in the order of the columns, with the IDs of the questions.

    Those in use come first. A title is one column, also if a retired question had the same one.
    """
    columns: dict[str, list[int]] = {}
    for question in extra_question.every(session):
        columns.setdefault(question.title, []).append(question.id)
    return columns


def rows(
    session: Session,
    *,
    start: datetime | None,
    end: datetime | None,
    asked: Mapping[str, list[int]],
    states: Mapping[str, str],
) -> Iterator[list[str]]:
    """Yield the cells of the applications of a period, newest first: a row for each delivery address.

    :param session: a session of the tenant; it is busy until the last row is consumed.
    :param start: the first moment, None for no limit.
    :param end: the first moment after the period, None for no limit.
    :param asked: of ``questions``.
    :param states: the label of each state.
    """
    for row in session.execute(_statement(start, end).execution_options(yield_per=_BATCH)):
        application, delivery, answers = row[0], row[1], row[2] or {}
        yield [
            *_cells(application, _APPLICATION, states),
            PAYMENT_METHOD,
            "",
            *_cells(application, _MEMOS, states),
            *(_cells(delivery, _DELIVERY, states) if delivery is not None else [""] * len(_DELIVERY)),
            *("\n".join(filter(None, (answers.get(str(key)) for key in keys))) for keys in asked.values()),
        ]


def _statement(start: datetime | None, end: datetime | None) -> Any:
    answers = (
        select(func.json_object_agg(cast(ApplicationAnswer.field_id, String), ApplicationAnswer.value))
        .where(ApplicationAnswer.application_id == ServiceApplication.id)
        .scalar_subquery()
    )
    of_application = and_(
        ServiceDelivery.tenant_id == ServiceApplication.tenant_id,
        ServiceDelivery.application_id == ServiceApplication.id,
    )
    found = (
        select(ServiceApplication, ServiceDelivery, answers)
        .outerjoin(ServiceDelivery, of_application)
        .where(ServiceApplication.state != ApplicationState.UNCONFIRMED.value)
        .order_by(ServiceApplication.applied_at.desc(), ServiceApplication.id.desc(), ServiceDelivery.id)
    )
    if start is not None:
        found = found.where(ServiceApplication.applied_at >= start)
    if end is not None:
        found = found.where(ServiceApplication.applied_at < end)
    return found


def _cells(row: Any, columns: Mapping[str, str], states: Mapping[str, str]) -> list[str]:
    values = [getattr(row, name) for name in columns.values()]
    if "status" in columns:
        values[list(columns).index("status")] = states[row.state]
    return [clock.screen_time(value) if isinstance(value, datetime) else str(value) for value in values]
