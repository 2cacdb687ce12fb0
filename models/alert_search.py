"""How alerts are looked for (§7.17). Every read of the alert tables is here or in ``alert_export``.

Pages turn by keyset on (sort column, occurred_at, seq): no OFFSET and no count(*) over alerts. The places of a page's rows
are found first, with no more columns than conditions and order need, and its rows read after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, cast, collate, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Bundle, Session

from models.alert import Alert, AlertDaily, AlertLevel
from models.db import planned_anew
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

# What was found, whichever function found it.
_THREAT_COLUMNS = (Alert.virus, Alert.msg, Alert.cname, Alert.app)

# What the list shows of an alert.
_SHOWN: Bundle[Any] = Bundle(
    "Alert",
    *(Alert.seq, Alert.occurred_at, Alert.alert_id, Alert.utm_id, Alert.function, Alert.action, Alert.level),
)


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """What is looked for: one customer's alerts of a period. All conditions must hold; None is no condition.

    :param start: the first moment.
    :param end: the first moment after the period.
    :param function: one security function.
    :param important: only High (問題を確認).
    :param utm_id: the key of one UTM.
    :param action: 処置, whichever case it is written in.
    :param level: one alert level.
    :param source: an IP address or a network (CIDR) the source address lies in.
    :param destination: the same of the destination address.
    :param alert_id: how the alert ID begins.
    :param url: a part of the URL, whichever case it is written in; so are the two below.
    :param threat: a part of what was found: virus, threat, category or application.
    :param file: a part of the file name.
    """

    customer_id: str
    start: datetime
    end: datetime
    function: str | None = None
    important: bool = False
    utm_id: int | None = None
    action: str | None = None
    level: str | None = None
    source: str | None = None
    destination: str | None = None
    alert_id: str | None = None
    url: str | None = None
    threat: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and whether there is more on either side.

    :ivar count: how many alerts there are, counted to one past the cap; None where that is a question of its own
        (``capped_count``).
    """

    rows: Sequence[Any]
    has_previous: bool
    has_next: bool
    count: int | None = None


Position = tuple[str | datetime | None, datetime, int]
"""Where a row stands in the order: its sort value (None when sorted by time), its time, its number."""


def conditions(query: AlertQuery) -> list[ColumnElement[bool]]:
    """The WHERE of a query."""
    found = _place(query)
    same: tuple[tuple[Any, Any], ...] = (
        (Alert.function, query.function),
        (Alert.level, query.level),
        (Alert.level, AlertLevel.HIGH.value if query.important else None),
        (Alert.utm_id, query.utm_id),
        (func.lower(Alert.action), query.action.lower() if query.action else None),
    )
    found += [column == value for column, value in same if value is not None]
    for column, network in ((Alert.src_ip, query.source), (Alert.dst_ip, query.destination)):
        if network:
            found.append(column.bool_op("<<=")(cast(network, INET)))
    if query.alert_id:
        found.append(Alert.alert_id.startswith(query.alert_id, autoescape=True))
    for columns, part in (((Alert.url,), query.url), (_THREAT_COLUMNS, query.threat), ((Alert.file,), query.file)):
        if part:
            found.append(or_(*(_contains(column, part) for column in columns)))
    return found


def _contains(column: Any, part: str) -> ColumnElement[bool]:
    """Whether a text has a part, whichever case it is written in.

    Not ILIKE: that is slower by half, and the planner takes each of its answers for rare and reads a month whole instead
    of walking the index from its end until the page is full.
    """
    # Capitals of other scripts than ours cost twice as much to fold, and are seldom asked for.
    plain = all(char.isascii() or char.lower() == char.upper() for char in part)
    return func.strpos(func.lower(collate(column, "C") if plain else column), func.lower(part)) > 0


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
    towards_smaller = descending != backwards
    wanted = conditions(query)
    counted = position is None and sort == "occurred_at"
    if counted:
        statement = _counted(query, wanted, towards_smaller=towards_smaller, size=size)
    elif sort == "occurred_at" and len(wanted) == len(_place(query)):
        # The index has this order, and nothing is left out: the first rows found are the page.
        statement = _from(_rows().where(*wanted), sort, position, towards_smaller=towards_smaller).limit(size + 1)
    else:
        places = select(Alert.occurred_at, Alert.seq).where(*wanted)
        if sort == "utm":
            places = places.join(Utm, Utm.id == Alert.utm_id)
        place = _from(places, sort, position, towards_smaller=towards_smaller).limit(size + 1).subquery("place")
        statement = _at(place, query).order_by(*_order(sort, towards_smaller=towards_smaller))
    with planned_anew(session):
        rows = list(session.execute(statement))
    count = (rows[0].total if rows else 0) if counted else None
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows,
        has_previous=more if backwards else position is not None,
        has_next=True if backwards else more,
        count=count,
    )


def whole(session: Session, customer_id: str, row: Any) -> Alert:
    """The alert of a row of ``page`` with all that its UTM says about it."""
    found = (Alert.customer_id == customer_id, Alert.occurred_at == row.Alert.occurred_at, Alert.seq == row.Alert.seq)
    return session.scalars(select(Alert).where(*found)).one()


def position_of(row: Any, sort: str) -> Position:
    """Where a row of ``page`` stands, to turn the page from there."""
    alert = row.Alert
    value = None if sort == "occurred_at" else row.utm_name if sort == "utm" else getattr(alert, SORT_COLUMNS[sort].key)
    return (value, alert.occurred_at, alert.seq)


def capped_count(session: Session, query: AlertQuery) -> int:
    """How many alerts there are, counted to one past the cap at most."""
    inner = select(Alert.seq).where(*conditions(query)).limit(COUNT_CAP + 1)
    with planned_anew(session):
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


def _place(query: AlertQuery) -> list[ColumnElement[bool]]:
    """Where in the index the alerts stand."""
    return [Alert.customer_id == query.customer_id, Alert.occurred_at >= query.start, Alert.occurred_at < query.end]


def _from(statement: Any, sort: str, position: Position | None, *, towards_smaller: bool) -> Any:
    """A statement's alerts in their order, from a position on."""
    if position is not None:
        keys = tuple_(*_keys(sort))
        start = tuple_(*(position if sort != "occurred_at" else position[1:]))
        statement = statement.where(keys < start if towards_smaller else keys > start)
    return statement.order_by(*_order(sort, towards_smaller=towards_smaller))


def _order(sort: str, *, towards_smaller: bool) -> list[Any]:
    return [key.desc() if towards_smaller else key.asc() for key in _keys(sort)]


def _counted(query: AlertQuery, wanted: list[ColumnElement[bool]], *, towards_smaller: bool, size: int) -> Any:
    """The first page by time and how many alerts there are: whoever has found these places has found those."""
    order = _order("occurred_at", towards_smaller=towards_smaller)
    places = select(Alert.occurred_at, Alert.seq).where(*wanted).order_by(*order)
    found = places.limit(max(COUNT_CAP, size) + 1).cte("found")
    keys = (found.c.occurred_at, found.c.seq)
    first = select(found).order_by(*(key.desc() if towards_smaller else key.asc() for key in keys))
    total = select(func.least(func.count(), COUNT_CAP + 1)).select_from(found).scalar_subquery()
    return _at(first.limit(size + 1).subquery("place"), query).add_columns(total.label("total")).order_by(*order)


def _at(place: Any, query: AlertQuery) -> Any:
    """The alerts at some places of a query; its period once more, so that only its months are looked into."""
    there = (place.c.occurred_at == Alert.occurred_at) & (place.c.seq == Alert.seq)
    return _rows().join(place, there).where(*_place(query))


def _rows() -> Any:
    return select(_SHOWN, Utm.name.label("utm_name"), Utm.removed_at.label("utm_removed_at")).join(
        Utm, Utm.id == Alert.utm_id
    )


def _keys(sort: str) -> list[Any]:
    time_keys = [Alert.occurred_at, Alert.seq]
    return time_keys if sort == "occurred_at" else [SORT_COLUMNS[sort], *time_keys]
