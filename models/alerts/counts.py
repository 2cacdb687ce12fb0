"""The numbers of alerts (アラート数) of many UTMs, across customers: for the list of all UTMs and its file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.alerts.alert import AlertDaily


def counts_of_fleet(first: date, last: date) -> Select[int, int]:
    """Return the statement for the number of alerts by UTM over a range of days (in Asia/Tokyo, inclusive).

    Its columns are ``utm_id`` and ``count``; a UTM without alerts has no row.
    """
    return (
        select(AlertDaily.utm_id, func.sum(AlertDaily.count).label("count"))
        .where(AlertDaily.day.between(first, last))
        .group_by(AlertDaily.utm_id)
    )


def count_alerts(
    session: Session, *, first: date, last: date, utm_ids: Collection[int] | None = None
) -> dict[int, int]:
    """Return the number of alerts by UTM over a range of days, for those that have any.

    :param utm_ids: the primary keys of the UTMs; None for all that the session sees.
    """
    statement = counts_of_fleet(first, last)
    if utm_ids is not None:
        statement = statement.where(AlertDaily.utm_id.in_(utm_ids))
    return {utm_id: int(count) for utm_id, count in session.execute(statement)}
