"""自社UTM同士を比べる (§7.15): the alerts of each UTM of a customer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, cast, extract, func, select
from sqlalchemy.orm import Session
from sqlalchemy.types import SmallInteger

from models.alerts.alert import Alert, AlertDaily, SecurityFunction
from models.prepared_statement import PreparedStatement, prepare
from models.reports.span import Span, tokyo_point
from models.utms import exchange
from models.utms.utm import Utm


@dataclass(frozen=True, slots=True)
class UtmAlerts:
    """The alerts of a UTM.

    :ivar id: the primary key of the UTM.
    :ivar utm_id: its UTM ID.
    :ivar removed_at: when it was removed, None if it was not.
    :ivar series: the number of alerts at each point, by function.
    """

    id: int
    utm_id: str
    name: str
    removed_at: datetime | None
    series: dict[str, list[int]]

    @property
    def totals(self) -> dict[str, int]:
        """The number of alerts by function."""
        return {function: sum(series) for function, series in self.series.items()}

    @property
    def total(self) -> int:
        """The number of all alerts."""
        return sum(self.totals.values())


def alerts_by_utm(session: Session, customer_id: str, span: Span) -> list[UtmAlerts]:
    """Return the alerts of a customer's UTMs in a period, the UTM with the most alerts first.

    It contains every UTM that is not removed, and the removed ones with alerts in the period. The alerts of a UTM that
    was exchanged are counted for the one in its place.
    """
    values: dict[str, Any] = {"customer_id": customer_id}
    values |= {"start": span.start, "end": span.end} if span.by_hour else {"first": span.first, "last": span.last}
    counts = defaultdict(list)
    for key, function, point, count in _statement(by_hour=span.by_hour).run(session, values):
        counts[key].append((function, span.place(point), int(count)))
    # Read apart: the planner cannot know how many rows both have, and joined them by comparing each with each.
    utms: dict[int, UtmAlerts] = {}
    for key, utm_id, name, removed_at in session.execute(
        select(Utm.id, Utm.utm_id, Utm.name, Utm.removed_at).where(Utm.customer_id == customer_id)
    ):
        if removed_at is not None and key not in counts:
            continue
        series = {str(each): span.series() for each in SecurityFunction}
        for function, place, count in counts[key]:
            series[function][place] = count
        utms[key] = UtmAlerts(key, utm_id, name, removed_at, series)
    for old, new in exchange.successors(session, [customer_id]).items():
        if old in utms and new in utms:
            _add(utms[new].series, utms.pop(old).series)
    return sorted(utms.values(), key=lambda utm: (-utm.total, utm.name, utm.id))


def _add(total: dict[str, list[int]], more: dict[str, list[int]]) -> None:
    for function, series in more.items():
        total[function] = [count + further for count, further in zip(total[function], series, strict=True)]


@cache
def _statement(*, by_hour: bool) -> PreparedStatement:
    return prepare(_by_hour() if by_hour else _by_day())


def _by_hour() -> Select[int, str, int, int]:
    point = tokyo_point(Alert.occurred_at, by_hour=True)
    return (
        select(Alert.utm_id, Alert.function, point.label("point"), func.count().label("count"))
        .where(
            Alert.customer_id == bindparam("customer_id"),
            Alert.occurred_at >= bindparam("start"),
            Alert.occurred_at < bindparam("end"),
        )
        .group_by(Alert.utm_id, Alert.function, point)
    )


def _by_day() -> Select[int, str, int, int]:
    return (
        select(
            AlertDaily.utm_id,
            AlertDaily.function,
            cast(extract("day", AlertDaily.day), SmallInteger).label("point"),
            func.sum(AlertDaily.count).label("count"),
        )
        .where(
            AlertDaily.customer_id == bindparam("customer_id"),
            AlertDaily.day.between(bindparam("first"), bindparam("last")),
        )
        .group_by(AlertDaily.utm_id, AlertDaily.function, AlertDaily.day)
    )
