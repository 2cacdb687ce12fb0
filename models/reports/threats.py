"""UTM脅威レポート (§7.13): the detections that a customer's UTMs counted, by hour or day and by category.

They come from the statistics (``threat_stat``), not from the alerts: a busy UTM drops alerts, but counts every detection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session

from models.alerts.alert import SecurityFunction
from models.alerts.threat_stat import ThreatStat
from models.prepared_statement import PreparedStatement, prepare
from models.reports.span import Span, tokyo_point

FUNCTIONS = (SecurityFunction.URL_FILTER, SecurityFunction.APP_GUARD)
"""The functions of the report. The UTMs send statistics of the others too, for the monthly report."""


@dataclass(slots=True)
class Threats:
    """The detections of one function.

    :ivar series: the number at each point of the period.
    :ivar categories: all categories with their numbers, the largest number first, equal ones by name.
    """

    series: list[int]
    categories: list[tuple[str, int]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of all detections."""
        return sum(self.series)


@dataclass(frozen=True, slots=True)
class ThreatReport:
    """The report of a customer.

    :ivar functions: the detections of each of ``FUNCTIONS``.
    :ivar received_at: when the last of its numbers was received; None if there are none.
    """

    functions: dict[str, Threats]
    received_at: datetime | None


def threat_report(session: Session, customer_id: str, span: Span) -> ThreatReport:
    """Return the report of a customer for a period."""
    functions = {str(function): Threats(span.series()) for function in FUNCTIONS}
    values = {"customer_id": customer_id, "start": span.start, "end": span.end}
    received = []
    for function, point, category, count, received_at in _report(by_hour=span.by_hour).run(session, values):
        received.append(received_at)
        if point is not None:
            functions[function].series[span.place(point)] = int(count)
        elif count:
            functions[function].categories.append((category, int(count)))
    for threats in functions.values():
        threats.categories.sort(key=_largest_first)
    return ThreatReport(functions, max(received, default=None))


def _largest_first(category: tuple[str, int]) -> tuple[int, str]:
    name, count = category
    return -count, name


@cache
def _report(*, by_hour: bool) -> PreparedStatement:
    """Return the statement for the numbers of each function by point, and by category."""
    # First over the UTMs: a customer may have a hundred, and the rest of the work is then done on few rows.
    hours = (
        select(
            ThreatStat.function,
            ThreatStat.hour,
            ThreatStat.category,
            func.sum(ThreatStat.count).label("count"),
            func.max(ThreatStat.received_at).label("received_at"),
        )
        .where(
            ThreatStat.customer_id == bindparam("customer_id"),
            ThreatStat.hour >= bindparam("start"),
            ThreatStat.hour < bindparam("end"),
            or_(*(ThreatStat.function == str(function) for function in FUNCTIONS)),
        )
        .group_by(ThreatStat.function, ThreatStat.hour, ThreatStat.category)
        .subquery()
    )
    point = tokyo_point(hours.c.hour, by_hour=by_hour).label("point")
    found = select(hours.c.function, point, hours.c.category, hours.c.count, hours.c.received_at).subquery()
    groups = func.grouping_sets(tuple_(found.c.function, found.c.point), tuple_(found.c.function, found.c.category))
    return prepare(
        select(
            found.c.function, found.c.point, found.c.category, func.sum(found.c.count), func.max(found.c.received_at)
        ).group_by(groups)
    )
