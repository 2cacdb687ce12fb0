"""The numbers of alerts of UTMs and customers, from the daily counts.

Pages show them beside other things, so they do without them while the alerts' own database is unavailable.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.alerts.alert import AlertDaily, AlertLevel
from models.alerts.cross_database import optional


def utm_counts(first: date, last: date, *, customer_id: str | None = None) -> Select[int, int]:
    """Return the statement for the number of alerts (アラート数) by UTM over a range of days (in Asia/Tokyo, inclusive).

    Its columns are ``utm_id`` and ``count``; a UTM without alerts has no row.

    :param customer_id: the customer of the UTMs, None for all that the session sees.
    """
    statement = (
        select(AlertDaily.utm_id, func.sum(AlertDaily.count).label("count"))
        .where(AlertDaily.day.between(first, last))
        .group_by(AlertDaily.utm_id)
    )
    return statement.where(AlertDaily.customer_id == customer_id) if customer_id is not None else statement


def counts_by_utm(
    session: Session, *, first: date, last: date, customer_id: str | None = None, utm_ids: Collection[int] | None = None
) -> dict[int, int] | None:
    """Return the number of alerts by UTM over a range of days (in Asia/Tokyo, inclusive), for those that have any.

    :param customer_id: the customer of the UTMs, None for all that the session sees.
    :param utm_ids: the primary keys of the UTMs, None for all.
    :returns: None if the database of the alerts is unavailable.
    """
    statement = utm_counts(first, last, customer_id=customer_id)
    if utm_ids is not None:
        statement = statement.where(AlertDaily.utm_id.in_(utm_ids))
    with optional():
        return {utm_id: int(count) for utm_id, count in session.execute(statement)}
    return None


def important_count(session: Session, customer_id: str, *, first: date, last: date) -> int | None:
    """Return the number of High alerts of a customer over a range of days (in Asia/Tokyo), including removed UTMs.

    :returns: None if the database of the alerts is unavailable.
    """
    statement = select(func.coalesce(func.sum(AlertDaily.count), 0)).where(
        AlertDaily.customer_id == customer_id,
        AlertDaily.day.between(first, last),
        AlertDaily.level == AlertLevel.HIGH,
    )
    with optional():
        return int(session.scalar(statement) or 0)
    return None
