"""How alerts are looked for (§7.17). Every read of the alert tables is here or in ``alert_export``.

Pages turn by keyset on (sort column, occurred_at, seq): no OFFSET and no count(*) over alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from models.alert import Alert, AlertDaily, AlertLevel
from models.utm import Utm

PAGE_SIZE = 50
COUNT_CAP = 1_000

SORT_COLUMNS: dict[str, Any] = {
    "alert_id": Alert.alert_id,
    "occurred_at": Alert.occurred_at,
    "utm": Utm.name,
    "function": Alert.function,
    "action": Alert.action,
    "level": Alert.level,
}


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """What is looked for: one customer's alerts of a period.

    :param start: the first moment.
    :param end: the first moment after the period.
    :param function: one security function, None for all.
    :param important: only High (問題を確認).
    """

    customer_id: str
    start: datetime
    end: datetime
    function: str | None = None
    important: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and whether there is more on either side."""

    rows: Sequence[Any]
    has_previous: bool
    has_next: bool


Position = tuple[str | datetime | None, datetime, int]
"""Where a row stands in the order: its sort value (None when sorted by time), its time, its number."""


def conditions(query: AlertQuery) -> list[ColumnElement[bool]]:
    """The WHERE of a query."""
    found = [Alert.customer_id == query.customer_id, Alert.occurred_at >= query.start, Alert.occurred_at < query.end]
    if query.function:
        found.append(Alert.function == query.function)
    if query.important:
        found.append(Alert.level == AlertLevel.HIGH)
    return found


def page(  # noqa: PLR0913  (a page is a query, an order and a place in it)
    session: Session,
    query: AlertQuery,
    *,
    sort: str = "occurred_at",
    descending: bool = True,
    position: Position | None = None,
    backwards: bool = False,
    size: int = PAGE_SIZE,
) -> Page:
    """One page of alerts with their UTM's name.

    :param sort: a key of ``SORT_COLUMNS``.
    :param position: the row the page starts after, None for the first page.
    :param backwards: the page that ends before ``position`` instead.
    """
    keys = _keys(sort)
    towards_smaller = descending != backwards
    statement = _rows().where(*conditions(query))
    if position is not None:
        place = tuple_(*(position if sort != "occurred_at" else position[1:]))
        statement = statement.where(tuple_(*keys) < place if towards_smaller else tuple_(*keys) > place)
    order = [key.desc() if towards_smaller else key.asc() for key in keys]
    rows = list(session.execute(statement.order_by(*order).limit(size + 1)))
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows,
        has_previous=more if backwards else position is not None,
        has_next=True if backwards else more,
    )


def position_of(row: Any, sort: str) -> Position:
    """Where a row of ``page`` stands, to turn the page from there."""
    alert = row.Alert
    value = None if sort == "occurred_at" else row.utm_name if sort == "utm" else getattr(alert, SORT_COLUMNS[sort].key)
    return (value, alert.occurred_at, alert.seq)


def capped_count(session: Session, query: AlertQuery) -> int:
    """How many alerts there are, counted to one past the cap at most."""
    inner = select(Alert.seq).where(*conditions(query)).limit(COUNT_CAP + 1)
    return session.scalar(select(func.count()).select_from(inner.subquery())) or 0


def counts_by_utm(session: Session, customer_id: str, *, first: date, last: date) -> dict[int, int]:
    """アラート数 of each UTM of a customer over days (in Tokyo), both included."""
    rows = session.execute(
        select(AlertDaily.utm_id, func.sum(AlertDaily.count))
        .where(AlertDaily.customer_id == customer_id, AlertDaily.day.between(first, last))
        .group_by(AlertDaily.utm_id)
    )
    return {utm_id: int(count) for utm_id, count in rows}


def important_count(session: Session, customer_id: str, *, first: date, last: date) -> int:
    """How many High alerts a customer's UTMs, removed ones included, raised over days (in Tokyo)."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(AlertDaily.count), 0)).where(
                AlertDaily.customer_id == customer_id,
                AlertDaily.day.between(first, last),
                AlertDaily.level == AlertLevel.HIGH,
            )
        )
        or 0
    )


def important_by_customer(session: Session, *, first: date, last: date, limit: int) -> list[tuple[str, int]]:
    """The customers with the most High alerts over days (in Tokyo), most first."""
    total = func.sum(AlertDaily.count)
    rows = session.execute(
        select(AlertDaily.customer_id, total)
        .where(AlertDaily.day.between(first, last), AlertDaily.level == AlertLevel.HIGH)
        .group_by(AlertDaily.customer_id)
        .order_by(total.desc(), AlertDaily.customer_id)
        .limit(limit)
    )
    return [(customer_id, int(count)) for customer_id, count in rows]


def _rows() -> Any:
    return select(Alert, Utm.name.label("utm_name"), Utm.removed_at.label("utm_removed_at")).join(
        Utm, Utm.id == Alert.utm_id
    )


def _keys(sort: str) -> list[Any]:
    time_keys = [Alert.occurred_at, Alert.seq]
    return time_keys if sort == "occurred_at" else [SORT_COLUMNS[sort], *time_keys]
