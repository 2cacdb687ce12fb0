"""The numbers of monthly reports (§7.16), read for many customers of a tenant at once.

The counts by function and the categories come from the statistics, the counts by level and the threats from the alerts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Select, case, cast, func, or_, select, tuple_
from sqlalchemy.orm import Session

from models import clock
from models.alerts.alert import DETECTION, DETECTION_NAME, Alert, AlertDaily, AlertLevel, SecurityFunction
from models.alerts.threat_stat import ThreatStat
from models.mail.placeholders import one_line
from models.reports.span import Span
from models.utms import exchange
from models.utms.utm import Utm
from models.values.visible_text import visible

TOP_OF_CUSTOMER = 10
"""The number of threats and of categories that are named for a customer."""

TOP_OF_UTM = 5
"""The number of threats and of categories that are named for a UTM."""

_NAME_LENGTH = 200


@dataclass(slots=True)
class Numbers:
    """The numbers of a customer or of one UTM in a month.

    :ivar functions: the detections by function; None if no statistics were received.
    :ivar functions_before: those of the previous month; None if none were received.
    :ivar levels: the alerts by level.
    :ivar levels_before: those of the previous month; None if there was no UTM.
    :ivar threats: function, name, number of alerts and of High ones; the most frequent first.
    :ivar categories: function, name and number of detections; the most frequent first.
    """

    functions: dict[str, int] | None = None
    functions_before: dict[str, int] | None = None
    levels: dict[str, int] = field(default_factory=lambda: {str(level): 0 for level in AlertLevel})
    levels_before: dict[str, int] | None = None
    threats: list[tuple[str, str, int, int]] = field(default_factory=list)
    categories: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass(slots=True)
class UtmPart:
    """The section of a UTM.

    :ivar state: its ``UtmState`` when the report was created.
    :ivar last_seen: the time of its last call as displayed; empty if there was none.
    :ivar removed: the time of its removal as displayed; empty if it was not removed.
    """

    utm_id: str
    name: str
    address: str
    state: str
    last_seen: str
    removed: str
    numbers: Numbers


@dataclass(slots=True)
class Content:
    """Everything that a report says.

    :ivar created: the time of its creation as displayed.
    :ivar received: when the last of the statistics was received, as displayed; empty if none were.
    :ivar total: the numbers of the customer.
    :ivar days: the detections of the customer on each day, by function.
    :ivar utms: the UTMs by name.
    """

    customer_id: str
    customer: str
    month: str
    first: str
    last: str
    created: str
    received: str
    total: Numbers
    days: dict[str, list[int]]
    utms: list[UtmPart]

    def to_json(self) -> dict[str, Any]:
        """Return the content as stored."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Content:
        """Return a stored content."""
        utms = [UtmPart(**each | {"numbers": Numbers(**each["numbers"])}) for each in stored["utms"]]
        return cls(**stored | {"total": Numbers(**stored["total"]), "utms": utms})


def utms_in(month: date) -> Any:
    """Return the condition that a ``Utm`` was registered at some time of a month.

    :param month: the first day of the month.
    """
    start, end = clock.day_start(month), clock.day_start(clock.next_month(month))
    return (Utm.created_at < end) & or_(Utm.removed_at.is_(None), Utm.removed_at >= start)


def plain(text: str) -> str:
    """Return a text of a device or a user on one line, without invisible characters and controls."""
    return visible(one_line(text))


def read_contents(
    session: Session, customers: dict[str, str], month: date, *, now: datetime, online_for: timedelta
) -> dict[str, tuple[Content, list[Utm]]]:
    """Read the contents of the reports of some customers, with their UTMs, by customer ID.

    :param customers: the names of the customers by ID; each has a UTM in the month.
    :param month: the first day of the month.
    :param now: the time of the creation.
    :param online_for: how long a UTM counts as online after its last call.
    """
    ids = list(customers)
    span = Span.of_month(month, latest=date.max)
    before = Span.of_month(clock.months_before(month, 1), latest=date.max)
    numbers: dict[_Key, Numbers] = defaultdict(Numbers)
    successors = exchange.successors(session, ids, before=span.end)
    scope = _Scope(session, ids, successors)
    days, received = _read_statistics(scope, span, numbers)
    _read_categories(scope, span, numbers)
    _read_statistics_before(scope, before, numbers)
    levels_before = _read_levels(scope, span, before, numbers)
    _read_threats(scope, span, numbers)
    contents = {}
    for customer_id, utms in _utms(session, ids, month).items():
        shown = [utm for utm in utms if utm.id not in successors]
        old = {successors.get(utm.id, utm.id) for utm in utms if utm.created_at < span.start}
        for key in [(customer_id, utm_id) for utm_id in old] + ([(customer_id, None)] if old else []):
            numbers[key].levels_before = levels_before[key]
        content = Content(
            customer_id=customer_id,
            customer=plain(customers[customer_id]),
            month=f"{month:%Y-%m}",
            first=span.first.isoformat(),
            last=span.last.isoformat(),
            created=clock.screen_time(now),
            received=clock.screen_time(received.get(customer_id)),
            total=numbers[customer_id, None],
            days=days[customer_id],
            utms=[
                UtmPart(
                    utm_id=utm.utm_id,
                    name=plain(utm.name),
                    address=plain(utm.address),
                    state=utm.state(now=now, online_for=online_for),
                    last_seen=clock.screen_time(min(utm.last_seen_at, now) if utm.last_seen_at else None),
                    removed=clock.screen_time(utm.removed_at if utm.removed_at and utm.removed_at <= now else None),
                    numbers=numbers[customer_id, utm.id],
                )
                for utm in shown
            ],
        )
        contents[customer_id] = content, utms
    return contents


_Key = tuple[str, int | None]
"""A customer and one of its UTMs by primary key, or None for all of them."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is read.

    :ivar ids: the IDs of the customers.
    :ivar successors: see ``exchange.successors``.
    """

    session: Session
    ids: list[str]
    successors: dict[int, int]

    def utm(self, column: Any) -> Any:
        """Return the expression for the UTM that a number counts for: an exchanged one has its successor's section."""
        return case(self.successors, value=column, else_=column).label("utm_id") if self.successors else column


def _utms(session: Session, ids: list[str], month: date) -> dict[str, list[Utm]]:
    found: dict[str, list[Utm]] = defaultdict(list)
    statement = select(Utm).where(Utm.customer_id.in_(ids), utms_in(month)).order_by(Utm.name, Utm.id)
    for utm in session.scalars(statement):
        found[utm.customer_id].append(utm)
    return found


def _statistics(scope: _Scope, span: Span) -> Any:
    """Return the sub-query for the statistics of a month."""
    return (
        select(
            ThreatStat.customer_id,
            scope.utm(ThreatStat.utm_id),
            ThreatStat.function,
            ThreatStat.category,
            cast(func.timezone("Asia/Tokyo", ThreatStat.hour), Date).label("day"),
            ThreatStat.count,
            ThreatStat.received_at,
        )
        .where(ThreatStat.customer_id.in_(scope.ids), ThreatStat.hour >= span.start, ThreatStat.hour < span.end)
        .subquery("found")
    )


def _read_statistics(
    scope: _Scope, span: Span, numbers: dict[_Key, Numbers]
) -> tuple[dict[str, dict[str, list[int]]], dict[str, datetime]]:
    """Read the detections by function.

    :returns: those of each customer by day, and when the last of them was received.
    """
    found = _statistics(scope, span).c
    days: dict[str, dict[str, list[int]]] = defaultdict(lambda: {str(each): span.series() for each in SecurityFunction})
    received: dict[str, datetime] = {}
    groups = func.grouping_sets(
        tuple_(found.customer_id, found.function, found.day), tuple_(found.customer_id, found.utm_id, found.function)
    )
    for customer_id, utm_id, function, day, count, received_at in scope.session.execute(
        select(
            found.customer_id,
            found.utm_id,
            found.function,
            found.day,
            func.sum(found.count),
            func.max(found.received_at),
        ).group_by(groups)
    ):
        if day is None:
            _add(numbers[customer_id, utm_id], "functions", function, count)
            continue
        days[customer_id][function][span.place(day.day)] = int(count)
        _add(numbers[customer_id, None], "functions", function, count)
        received[customer_id] = max(received_at, received.get(customer_id, received_at))
    return days, received


def _read_statistics_before(scope: _Scope, span: Span, numbers: dict[_Key, Numbers]) -> None:
    found = _statistics(scope, span).c
    groups = func.grouping_sets(
        tuple_(found.customer_id, found.function), tuple_(found.customer_id, found.utm_id, found.function)
    )
    columns = (found.customer_id, found.utm_id, found.function, func.sum(found.count))
    for customer_id, utm_id, function, count in scope.session.execute(select(*columns).group_by(groups)):
        _add(numbers[customer_id, utm_id], "functions_before", function, count)


def _add(numbers: Numbers, counts: str, function: str, count: Any) -> None:
    """Add a count of a function to ``functions`` or ``functions_before``, which have all functions if they have one."""
    known = getattr(numbers, counts)
    if known is None:
        known = {str(each): 0 for each in SecurityFunction}
        setattr(numbers, counts, known)
    known[function] += int(count)


def _read_levels(scope: _Scope, span: Span, before: Span, numbers: dict[_Key, Numbers]) -> dict[_Key, dict[str, int]]:
    """Read the alerts by level, and return those of the previous month."""
    before_levels: dict[_Key, dict[str, int]] = defaultdict(lambda: {str(level): 0 for level in AlertLevel})
    earlier = case((AlertDaily.day < span.first, True), else_=False).label("earlier")
    utm = scope.utm(AlertDaily.utm_id)
    statement = (
        select(AlertDaily.customer_id, utm, AlertDaily.level, earlier, func.sum(AlertDaily.count))
        .where(AlertDaily.customer_id.in_(scope.ids), AlertDaily.day.between(before.first, span.last))
        .group_by(AlertDaily.customer_id, utm, AlertDaily.level, earlier)
    )
    for customer_id, utm_id, level, is_earlier, count in scope.session.execute(statement):
        for key in ((customer_id, utm_id), (customer_id, None)):
            levels = before_levels[key] if is_earlier else numbers[key].levels
            levels[level] += int(count)
    return before_levels


def _read_categories(scope: _Scope, span: Span, numbers: dict[_Key, Numbers]) -> None:
    found = _statistics(scope, span).c
    total = func.sum(found.count)
    sums = (
        select(found.customer_id, found.utm_id, found.function, found.category.label("name"), total.label("count"))
        .group_by(
            func.grouping_sets(
                tuple_(found.customer_id, found.function, found.category),
                tuple_(found.customer_id, found.utm_id, found.function, found.category),
            )
        )
        .having(total > 0)
    )
    for customer_id, utm_id, function, name, count in scope.session.execute(_first(sums)):
        numbers[customer_id, utm_id].categories.append((function, plain(name), int(count)))


def _read_threats(scope: _Scope, span: Span, numbers: dict[_Key, Numbers]) -> None:
    detection = DETECTION.label("detection")
    utm = scope.utm(Alert.utm_id)
    parts = (
        select(
            Alert.customer_id,
            utm,
            Alert.function,
            detection,
            func.count().label("count"),
            func.count().filter(Alert.level == AlertLevel.HIGH.value).label("important"),
            func.max(func.nullif(func.left(DETECTION_NAME, _NAME_LENGTH), "")).label("name"),
        )
        .where(Alert.customer_id.in_(scope.ids), Alert.occurred_at >= span.start, Alert.occurred_at < span.end)
        .group_by(Alert.customer_id, utm, Alert.function, detection)
        .subquery("parts")
        .c
    )
    sums = select(
        parts.customer_id,
        parts.utm_id,
        parts.function,
        func.coalesce(func.max(parts.name), func.left(parts.detection, _NAME_LENGTH)).label("name"),
        func.sum(parts.count).label("count"),
        func.sum(parts.important).label("important"),
    ).group_by(
        func.grouping_sets(
            tuple_(parts.customer_id, parts.function, parts.detection),
            tuple_(parts.customer_id, parts.utm_id, parts.function, parts.detection),
        )
    )
    for customer_id, utm_id, function, name, count, important in scope.session.execute(_first(sums)):
        numbers[customer_id, utm_id].threats.append((function, plain(name), int(count), int(important)))


def _first(sums: Select[Any]) -> Select[Any]:
    """Return the statement for the largest sums of each customer and of each UTM, in their order."""
    found = sums.subquery("sums")
    order = (found.c.count.desc(), found.c.name, found.c.function)
    place = func.row_number().over(partition_by=(found.c.customer_id, found.c.utm_id), order_by=order).label("place")
    ranked = select(found, place).subquery("ranked")
    shown = [column for column in ranked.c if column.name != "place"]
    most = case((ranked.c.utm_id.is_(None), TOP_OF_CUSTOMER), else_=TOP_OF_UTM)
    return select(*shown).where(ranked.c.place <= most).order_by(ranked.c.customer_id, ranked.c.utm_id, ranked.c.place)
