"""The alerts of the last days in lists of UTMs (アラート数): their numbers, and the order by them.

Without the database of the alerts, the numbers are missing and the order is that of registration.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from models import clock
from models.alerts.counts import counts_by_utm, utm_counts
from models.alerts.cross_database import joinable, optional
from models.utms.utm import Utm
from views.period import recent_days


def recent_counts(
    session: Session, *, customer_id: str | None = None, utm_ids: Collection[int] | None = None
) -> dict[int, int] | None:
    """Return the number of alerts by UTM, for those that have any; None if it is not known at the moment.

    :param customer_id: the customer of the UTMs, None for all that the session sees.
    :param utm_ids: the primary keys of the UTMs, None for all.
    """
    first, last = _days()
    return counts_by_utm(session, first=first, last=last, customer_id=customer_id, utm_ids=utm_ids)


def shown_count(counts: dict[int, int] | None, utm_id: int) -> int | None:
    """Return what the column アラート数 shows of a UTM: None, which is a dash, if the numbers are not known."""
    return counts.get(utm_id, 0) if counts is not None else None


def ordered_by_count(query: Any, session: Session, direction: str, *, customer_id: str | None = None) -> Any:
    """Return a query of UTMs in the order of their numbers of alerts.

    :param session: a session that sees the UTMs.
    :param direction: ``asc`` or ``desc``.
    """
    with optional():
        counts = joinable(session, utm_counts(*_days(), customer_id=customer_id), "counts")
        count = func.coalesce(counts.c.count, 0)
        joined = query.outerjoin(counts, counts.c.utm_id == Utm.id)
        return joined.order_by(count.desc() if direction == "desc" else count, Utm.id)
    return query.order_by(Utm.id)


def _days() -> tuple[date, date]:
    return recent_days(clock.tokyo_day(clock.utc_now()))
