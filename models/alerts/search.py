"""Alert search (§7.17). All reads of the alert tables are here or in ``export``.

Pages use keyset pagination on (sort column, occurred_at, seq): no OFFSET, and count(*) ends at a cap. A page first
selects the keys of its rows, with only the columns that conditions and order need, and then reads the rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    String,
    and_,
    bindparam,
    case,
    cast,
    column,
    false,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Session

from models.alerts.alert import ACTION_LABELS, CUT_AT, DETECTION, Alert, AlertLevel
from models.prepared_statement import PreparedStatement, prepare
from models.values.page import Page

PAGE_SIZE = 50
COUNT_CAP = 10_000
"""Up to this many alerts are counted exactly."""

FOUND_LENGTH = 200
"""The maximum length of a finding in the list; the alert's details show it in full."""

# The UTMs with their names, which can be in another database than the alerts.
_names = (
    func.unnest(bindparam("utm_ids", type_=ARRAY(BigInteger)), bindparam("utm_names", type_=ARRAY(String)))
    .table_valued(column("id", BigInteger), column("name", String), name="names")
    .render_derived()
)

SORT_COLUMNS: dict[str, Any] = {
    "alert_id": Alert.alert_id,
    "occurred_at": Alert.occurred_at,
    "utm": _names.c.name,
    "function": Alert.function,
    "action": Alert.action,
    "level": Alert.level,
}

# The columns for substring search, all in lower case.
_PARTS: dict[str, Any] = {"url": Alert.url_text, "threat": Alert.threat, "file": Alert.file_text}

# Long texts are truncated in these columns. For the few truncated rows, the search computes the full text.
_Long = Alert.__table__.alias("long").c
_CUT: dict[str, tuple[Any, Any]] = {
    "url": (_Long.url_text, func.lower(_Long.url)),
    "threat": (_Long.threat, func.lower(func.concat_ws("\n", _Long.virus, _Long.msg, _Long.cname, _Long.app))),
}

# The special characters of LIKE, and their escape.
_WILDCARD, _ESCAPED = re.compile(r"[\\%_]"), r"\\\g<0>"

_NETWORKS: dict[str, Any] = {"source": Alert.src_ip, "destination": Alert.dst_ip}

# The columns of the list. IP addresses are selected as text, because psycopg would create an object for each.
_SHOWN = (
    Alert.seq,
    Alert.occurred_at,
    Alert.alert_id,
    Alert.utm_id,
    Alert.function,
    Alert.action,
    Alert.level,
    func.left(func.coalesce(Alert.virus, Alert.msg, Alert.url, Alert.app, Alert.cname), FOUND_LENGTH).label("found"),
    func.host(Alert.src_ip).label("source"),
    func.host(Alert.dst_ip).label("destination"),
)


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """A search for one customer's alerts in a period. All conditions must hold; None means no condition.

    :param start: the start of the period, inclusive.
    :param end: the end of the period, exclusive.
    :param function: a security function.
    :param important: only High alerts (問題を確認).
    :param utm_id: the ID of a UTM.
    :param action: the action (処置), in any case.
    :param level: an alert level.
    :param source: an IP address or network (CIDR) that contains the source IP address.
    :param destination: the same for the destination IP address.
    :param alert_id: a prefix of the alert ID.
    :param url: a part of the URL, in any case.
    :param threat: a part of the virus, message, category or application, in any case.
    :param file: a part of the file name, in any case.
    :param detection: what was detected, as ``DETECTION`` names it.
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
    detection: str | None = None


Position = tuple[str | datetime | None, datetime, int]
"""A row's position in the order: its sort value (None when sorted by time), its time and its sequence number."""


def conditions(query: AlertQuery) -> tuple[str, dict[str, Any]]:
    """Return the WHERE clause of a query and its parameters, in psycopg's format."""
    where = prepare(and_(*where_of(shape_of(query))))
    return where.text, {**where.values, **values_of(query)}


Shape = tuple[tuple[str, bool], ...]
"""The names of a query's conditions, and whether each uses the second of its two forms (``_is_second``)."""


def shape_of(query: AlertQuery) -> Shape:
    """Return everything that determines the text of a query's statement."""
    return tuple((name, _is_second(name, value)) for name in _NAMES if (value := getattr(query, name)))


def _is_second(name: str, value: Any) -> bool:
    """Return whether a value is a network of more than one IP address, or an action that is stored in lower case."""
    if name == "action":
        return value.lower() in ACTION_LABELS
    return name in _NETWORKS and _network(value).num_addresses > 1


@lru_cache(1024)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


def values_of(query: AlertQuery) -> dict[str, Any]:
    """Return the values of the conditions' parameters."""
    values = {name: value for name in ("customer_id", "start", "end", *_NAMES) if (value := getattr(query, name))}
    if query.important:
        values["important"] = AlertLevel.HIGH.value
    if query.action:
        values["action"] = query.action.lower()
    for name in _PARTS.keys() & values.keys():
        values[name] = f"%{_WILDCARD.sub(_ESCAPED, values[name])}%"
    for name in _NETWORKS.keys() & values.keys():
        network = _network(values[name])
        values[name], last = str(network[0]), str(network[-1])
        if network.num_addresses > 1:
            values[f"{name}_last"] = last
    return values


def where_of(shape: Shape) -> list[ColumnElement[bool]]:
    """Return the conditions of a shape, with the parameters of ``values_of``."""
    return [*_place(), *(_condition(name, second=second) for name, second in shape)]


def _condition(name: str, *, second: bool) -> ColumnElement[bool]:
    if name in _PARTS:
        text = _PARTS[name]
        found = _contains(text, name)
        if name in _CUT:
            found |= Alert.seq.in_(_long_ones(name))
        # Repeats the predicate of the partial index, so that the planner can use it.
        return text.is_not(None) & found if text.nullable else found
    if name in _NETWORKS:
        return _within(_NETWORKS[name], name, wide=second)
    if name == "action" and second:
        # Half of a customer's alerts may match, and lower() would account for most of the time spent counting them.
        return Alert.action == bindparam("action")
    return _CONDITIONS[name]


def _within(column: Any, name: str, *, wide: bool) -> ColumnElement[bool]:
    """Return the condition that an IP address equals another or lies in a network.

    Not ``<<=``: PostgreSQL evaluates a row-level security policy before any operator that is not leakproof, so such an
    operator cannot use an index. Of the operators on IP addresses, only the comparisons are leakproof.
    """
    first = cast(bindparam(name), INET)
    return column.between(first, cast(bindparam(f"{name}_last"), INET)) if wide else column == first


_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "function": Alert.function == bindparam("function"),
    "level": Alert.level == bindparam("level"),
    "important": Alert.level == bindparam("important"),
    "utm_id": Alert.utm_id == bindparam("utm_id"),
    "detection": bindparam("detection", type_=String) == DETECTION,
    "action": func.lower(Alert.action) == bindparam("action"),
    # LIKE and related operators are not leakproof either; ^@ is.
    "alert_id": Alert.alert_id.bool_op("^@")(bindparam("alert_id", type_=String)),
}
_NAMES = (*_CONDITIONS, *_NETWORKS, *_PARTS)


def _contains(text: Any, name: str) -> ColumnElement[bool]:
    """Return the condition that a lower-case text contains a part, in any case.

    Not LIKE alone: the planner assumes that few rows match, and reads a whole month instead of walking the index until
    the page is full. For a CASE it assumes that half of the rows match.
    """
    return case((text.like(func.lower(bindparam(name))), true()), else_=false())


def _long_ones(name: str) -> Any:
    """Select the alerts whose full text contains a part, among those with a truncated text."""
    beginning, whole_text = _CUT[name]
    cut = func.char_length(beginning) == literal_column(str(CUT_AT))  # must match the predicate of the partial index
    return select(_Long.seq).where(*_place(_Long), cut, _contains(whole_text, name))


def page(  # noqa: PLR0913  (a page is a query, an order and a position in it)
    session: Session,
    query: AlertQuery,
    *,
    sort: str = "occurred_at",
    descending: bool = True,
    position: Position | None = None,
    backwards: bool = False,
    size: int = PAGE_SIZE,
    names: Mapping[int, str] | None = None,
) -> Page:
    """Return one page of alerts. It includes the names of the UTMs only when sorted by them.

    :param sort: a key of ``SORT_COLUMNS``.
    :param position: the row after which the page starts, None for the first page.
    :param backwards: return the page that ends before ``position`` instead.
    :param names: the names of the customer's UTMs by primary key, for sorting by them.
    """
    counted = position is None and sort == "occurred_at"
    statement = _page(shape_of(query), sort, descending != backwards, position is not None, size)
    values = values_of(query)
    if sort == "utm":
        values |= {"utm_ids": list(names or ()), "utm_names": list((names or {}).values())}
    if position is not None:
        values |= dict(zip(_POSITION, position, strict=True))
    rows = statement.run(session, values)
    count = (rows[0].total if rows else 0) if counted else None
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows = rows[::-1]
    return Page(
        rows,
        has_previous=more if backwards else position is not None,
        has_next=True if backwards else more,
        count=count,
    )


def full_alert(session: Session, customer_id: str, row: Any) -> Alert:
    """Return the alert of a row of ``page`` with all its details."""
    found = (Alert.customer_id == customer_id, Alert.occurred_at == row.occurred_at, Alert.seq == row.seq)
    return session.scalars(select(Alert).where(*found)).one()


def position_of(row: Any, sort: str) -> Position:
    """Return the position of a row of ``page``, from which the next page can be requested."""
    value = None if sort == "occurred_at" else row.utm_name if sort == "utm" else getattr(row, sort)
    return (value, row.occurred_at, row.seq)


def capped_count(session: Session, query: AlertQuery) -> int:
    """Return the number of matching alerts, counted up to one more than ``COUNT_CAP``."""
    [(count,)] = _count(shape_of(query)).run(session, values_of(query))
    return int(count)


_POSITION = ("from_value", "from_time", "from_seq")
"""The parameter names of a position."""


@lru_cache(1024)
def _page(shape: Shape, sort: str, towards_smaller: bool, positioned: bool, size: int) -> PreparedStatement:  # noqa: FBT001  (a key)
    """Return the statement for a page, with one row more than the page to detect whether another page follows.

    On the first page by time, each row includes the count of all matching alerts.

    :param positioned: whether the page starts at a position.
    """
    keys = _keys(sort)
    wanted = where_of(shape)
    beyond = [_beyond(keys, towards_smaller=towards_smaller)] if positioned else []
    counts = sort == "occurred_at" and not positioned
    order = _order(keys, towards_smaller=towards_smaller)
    if sort == "occurred_at" and not shape:
        # The index has this order and there is no filter: the first rows found are the page.
        columns = (*_SHOWN, _counted(shape).label("total")) if counts else _SHOWN
        return prepare(select(*columns).where(*wanted, *beyond).order_by(*order).limit(size + 1))
    rows = select(*_SHOWN)
    if sort == "utm":
        places = _places_by_utm(wanted, positioned=positioned, towards_smaller=towards_smaller)
        rows = rows.add_columns(_names.c.name.label("utm_name")).join(_names, _names.c.id == Alert.utm_id)
    else:
        places = select(Alert.occurred_at, Alert.seq).where(*wanted, *beyond).order_by(*order)
    if counts and any(name in _PARTS for name, _ in shape):
        # Searching texts is slow, so the page and the count share one scan.
        found = places.limit(COUNT_CAP + 1).cte("found")
        time_keys = (found.c.occurred_at, found.c.seq)
        places = select(*time_keys).order_by(*_order(time_keys, towards_smaller=towards_smaller))
        rows = rows.add_columns(select(func.count()).select_from(found).scalar_subquery().label("total"))
    elif counts:
        rows = rows.add_columns(_counted(shape).label("total"))
    place = places.limit(size + 1).subquery("place")
    there = (place.c.occurred_at == Alert.occurred_at) & (place.c.seq == Alert.seq)
    # The period again, so that PostgreSQL prunes the partitions of other months.
    return prepare(rows.join(place, there).where(*_place()).order_by(*order))


def _places_by_utm(wanted: Sequence[Any], *, positioned: bool, towards_smaller: bool) -> Any:
    """Return the statement for the times and sequence numbers of alerts in the order of the names of their UTMs.

    The alerts are found with one scan before they are joined with the names: the planner underestimates how many alerts a UTM
    has, and would look up those of each UTM in the table.
    """
    found = select(Alert.occurred_at, Alert.seq, Alert.utm_id).where(*wanted).cte("found").prefix_with("MATERIALIZED")
    keys = (_names.c.name, found.c.occurred_at, found.c.seq)
    places = select(*keys[1:]).join_from(found, _names, _names.c.id == found.c.utm_id)
    if positioned:
        places = places.where(_beyond(keys, towards_smaller=towards_smaller))
    return places.order_by(*_order(keys, towards_smaller=towards_smaller))


@lru_cache(1024)
def _count(shape: Shape) -> PreparedStatement:
    return prepare(select(_counted(shape)))


def _counted(shape: Shape) -> Any:
    """Return an expression for the number of matching alerts, capped, and counted from the index without reading rows."""
    inner = select(Alert.seq).where(*where_of(shape)).limit(COUNT_CAP + 1)
    return select(func.count()).select_from(inner.subquery("counted")).scalar_subquery()


def _place(alert: Any = Alert) -> list[ColumnElement[bool]]:
    """Return the conditions for the customer and the period, which are the range to scan in the index."""
    return [
        alert.customer_id == bindparam("customer_id"),
        alert.occurred_at >= bindparam("start"),
        alert.occurred_at < bindparam("end"),
    ]


def _beyond(keys: Sequence[Any], *, towards_smaller: bool) -> ColumnElement[bool]:
    """Return the condition that an alert comes after a position in an order."""
    start = tuple_(*(bindparam(name, type_=key.type) for name, key in zip(_POSITION[-len(keys) :], keys, strict=True)))
    return tuple_(*keys) < start if towards_smaller else tuple_(*keys) > start


def _order(keys: Sequence[Any], *, towards_smaller: bool) -> list[Any]:
    return [key.desc() if towards_smaller else key.asc() for key in keys]


def _keys(sort: str) -> list[Any]:
    """Return the columns of an order; those of the time make it unique."""
    time_keys = [Alert.occurred_at, Alert.seq]
    return time_keys if sort == "occurred_at" else [SORT_COLUMNS[sort], *time_keys]
