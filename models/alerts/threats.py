"""脅威別: a customer's alerts grouped by what was detected, with the conditions of the search (§7.17).

A detection is a security function with a threat (``DETECTION``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select, true
from sqlalchemy.orm import Session

from models.alerts.alert import DETECTION, DETECTION_NAME, Alert, AlertLevel
from models.alerts.search import FOUND_LENGTH, AlertQuery, Shape, shape_of, values_of, where_of
from models.prepared_statement import PreparedStatement, prepare
from models.values.page import Page

PAGE_SIZE = 50
SHOWN_ALERTS = 10
"""How many alerts of a detection are shown in its row."""

SORT_KEYS = ("name", "count", "important", "first", "last", "sources", "utms")


def page(session: Session, query: AlertQuery, *, sort: str = "count", descending: bool = True, number: int = 1) -> Page:
    """Return one page of detections, with the number of all in ``count``.

    Its rows have ``function``, ``detection`` (the key), ``name``, ``count``, ``important`` (how many are High), ``first`` and
    ``last`` (times), ``sources`` and ``utms`` (how many different).

    :param sort: one of ``SORT_KEYS``.
    :param number: the number of the page, from 1.
    """
    values = values_of(query) | {"offset": (number - 1) * PAGE_SIZE}
    rows = _page(shape_of(query), sort, descending).run(session, values)
    total = rows[0].total if rows else 0
    return Page(rows, has_previous=number > 1, has_next=number * PAGE_SIZE < total, count=total)


@lru_cache(1024)
def _page(shape: Shape, sort: str, descending: bool) -> PreparedStatement:  # noqa: FBT001  (a key)
    groups = _groups(shape).subquery("groups")
    shown = (
        select(groups, func.count().over().label("total"))
        .order_by(*_order(groups.c, sort, descending=descending))
        .limit(PAGE_SIZE)
        .offset(bindparam("offset"))
        .subquery("shown")
    )
    # The key is in lower case, so the name is read from one of the last alerts.
    latest = (
        select(func.nullif(func.left(DETECTION_NAME, FOUND_LENGTH), "").label("name"))
        .where(
            Alert.customer_id == bindparam("customer_id"),
            Alert.occurred_at == shown.c.last,
            Alert.function == shown.c.function,
            shown.c.detection == DETECTION,
        )
        .limit(1)
        .lateral("latest")
    )
    return prepare(
        select(*shown.c, func.coalesce(latest.c.name, shown.c.detection).label("name"))
        .join_from(shown, latest, true())
        .order_by(*_order(shown.c, sort, descending=descending))
    )


def _order(columns: Any, sort: str, *, descending: bool) -> list[Any]:
    key = columns["detection" if sort == "name" else sort]
    return [key.desc() if descending else key.asc(), columns.last.desc(), columns.function, columns.detection]


def _groups(shape: Shape) -> Select[Any]:
    """Return the statement for all detections.

    First grouped by UTM and source too: counting different values of fewer rows needs no sorting of all alerts.
    """
    found = (
        select(
            Alert.function,
            DETECTION.label("detection"),
            Alert.utm_id,
            Alert.src_ip,
            Alert.level,
            Alert.occurred_at,
        )
        .where(*where_of(shape))
        .subquery("found")
    )
    keys = (found.c.function, found.c.detection, found.c.utm_id, found.c.src_ip)
    parts = (
        select(
            *keys,
            func.count().label("count"),
            func.count().filter(found.c.level == AlertLevel.HIGH.value).label("important"),
            func.min(found.c.occurred_at).label("first"),
            func.max(found.c.occurred_at).label("last"),
        )
        .group_by(*keys)
        .subquery("parts")
    )
    return select(
        parts.c.function,
        parts.c.detection,
        func.sum(parts.c.count).label("count"),
        func.sum(parts.c.important).label("important"),
        func.min(parts.c.first).label("first"),
        func.max(parts.c.last).label("last"),
        func.count(parts.c.src_ip.distinct()).label("sources"),
        func.count(parts.c.utm_id.distinct()).label("utms"),
    ).group_by(parts.c.function, parts.c.detection)
