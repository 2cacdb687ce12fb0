"""参加企業平均と比べる (§7.14): a customer's alerts beside the average of the other companies of all tenants.

The average must not reveal the number of a single company (docs/adr/0017-averages.md). This is why the sums over all
tenants do not leave this module: what it returns contains only the averages, and none if there are too few companies.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sqlalchemy import Integer, Select, bindparam, cast, exists, extract, func, literal, null, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.types import SmallInteger

from models.alerts.alert import Alert, AlertDaily, SecurityFunction
from models.alerts.comparison import WHOLE_DAY, ComparisonCount, ComparisonMonth, ComparisonParticipant
from models.prepared_statement import PreparedStatement, prepare
from models.reports.span import Span, tokyo_point

FEWEST_COMPANIES = 5
"""With fewer other companies, no average is shown."""

_OWN, _ALL, _COMPANIES = 0, 1, 2


class NoAverage(StrEnum):
    """Why there is no average."""

    NOT_DETERMINED = "not determined"
    TOO_FEW = "too few"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A customer's alerts beside the average of the other companies.

    :ivar own: the customer's number of alerts at each point, by function.
    :ivar average: the average number at each point, by function; None if there is none.
    :ivar reason: why there is none.
    """

    own: dict[str, list[int]]
    average: dict[str, list[float]] | None
    reason: NoAverage | None = None


def compare(session: Session, tenant_id: str, customer_id: str, span: Span) -> Comparison:
    """Return the comparison of a customer for a period.

    A single statement reads both numbers, so that an alert that arrives meanwhile is in both of them or in neither.

    :param session: a cross-tenant session.
    :param tenant_id: the tenant of the customer. The caller has checked that the user may see this customer.
    """
    values = {
        "tenant_id": tenant_id,
        "customer_id": customer_id,
        "month": span.month,
        "first": span.first,
        "last": span.last,
        "start": span.start,
        "end": span.end,
    }
    if span.by_hour:
        del values["last"]
    else:
        del values["start"], values["end"]
    own, total = ({str(function): span.series() for function in SecurityFunction} for _ in range(2))
    companies, takes_part = None, False
    for kind, function, point, count in _counts(by_hour=span.by_hour).run(session, values):
        if kind == _COMPANIES:
            companies, takes_part = int(count), bool(point)
        else:
            (own if kind == _OWN else total)[function][span.place(point)] = int(count)
    if companies is None:
        return Comparison(own, None, NoAverage.NOT_DETERMINED)
    others = companies - takes_part
    if others < FEWEST_COMPANIES:
        return Comparison(own, None, NoAverage.TOO_FEW)
    average = {
        function: [
            (all_of_them - mine * takes_part) / others
            for all_of_them, mine in zip(total[function], own[function], strict=True)
        ]
        for function in own
    }
    return Comparison(own, average)


@cache
def _counts(*, by_hour: bool) -> PreparedStatement:
    """Return the statement for the customer's numbers, those of all companies, and the number of companies.

    Its rows have a kind, a function, a point, and a number; in the row of the companies, the point is 1 if the customer
    is one of them.
    """
    own = _own_by_hour() if by_hour else _own_by_day()
    takes_part = exists().where(
        ComparisonParticipant.customer_id == bindparam("customer_id"), ComparisonParticipant.month == bindparam("month")
    )
    companies = select(
        literal(_COMPANIES), null(), cast(cast(takes_part, Integer), SmallInteger), ComparisonMonth.companies
    ).where(ComparisonMonth.month == bindparam("month"))
    return prepare(union_all(own, _all_by_hour() if by_hour else _all_by_day(), companies))


def _own_by_hour() -> Select[int, str, int, int]:
    """Select the customer's alerts by hour: the index of the list has all columns that are needed."""
    point = tokyo_point(Alert.occurred_at, by_hour=True)
    return (
        select(literal(_OWN).label("kind"), Alert.function, point.label("point"), func.count().label("count"))
        .where(
            Alert.tenant_id == bindparam("tenant_id"),
            Alert.customer_id == bindparam("customer_id"),
            Alert.occurred_at >= bindparam("start"),
            Alert.occurred_at < bindparam("end"),
        )
        .group_by(Alert.function, point)
    )


def _own_by_day() -> Select[int, str, int, int]:
    return (
        select(
            literal(_OWN).label("kind"),
            AlertDaily.function,
            cast(extract("day", AlertDaily.day), SmallInteger).label("point"),
            func.sum(AlertDaily.count).label("count"),
        )
        .where(
            AlertDaily.tenant_id == bindparam("tenant_id"),
            AlertDaily.customer_id == bindparam("customer_id"),
            AlertDaily.day.between(bindparam("first"), bindparam("last")),
        )
        .group_by(AlertDaily.function, AlertDaily.day)
    )


def _all_by_hour() -> Select[int, str, int, int]:
    return (
        select(literal(_ALL), ComparisonCount.function, ComparisonCount.hour, func.sum(ComparisonCount.count))
        .where(ComparisonCount.day == bindparam("first"), ComparisonCount.hour != WHOLE_DAY)
        .group_by(ComparisonCount.function, ComparisonCount.hour)
    )


def _all_by_day() -> Select[int, str, int, int]:
    point = cast(extract("day", ComparisonCount.day), SmallInteger)
    return (
        select(literal(_ALL), ComparisonCount.function, point, func.sum(ComparisonCount.count))
        .where(ComparisonCount.hour == WHOLE_DAY, ComparisonCount.day.between(bindparam("first"), bindparam("last")))
        .group_by(ComparisonCount.function, ComparisonCount.day)
    )
