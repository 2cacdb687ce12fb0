"""Retention of alerts: whole months (in Asia/Tokyo), each a partition that is created ahead and dropped as a whole."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock

LOCK_TIMEOUT = "5s"
"""How long dropping a partition waits for readers of the alerts. Other queries queue behind the waiting drop, so it is
better to give up and retry later."""

_PARTITIONS = text("""
SELECT to_date(right(relname, 6), 'YYYYMM') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'public.alert'::regclass AND relname ~ '^alert_[0-9]{6}$'
ORDER BY 1
""")
# By ctid: no index starts with the day, and only this statement would need one.
_DELETE_COUNTS = text("""
DELETE FROM alert_daily WHERE ctid = ANY (ARRAY(SELECT ctid FROM alert_daily WHERE day < :before LIMIT :limit))
""")


def months_ahead(now: datetime) -> list[date]:
    """Return the months that need a partition, by first day: the month of ``now`` and the two after it."""
    this = clock.month_start(clock.tokyo_day(now))
    following = clock.next_month(this)
    return [this, following, clock.next_month(following)]


def oldest_kept(now: datetime, *, months: int) -> date:
    """Return the first day that is retained.

    :param months: the number of whole months before the month of ``now``.
    """
    return clock.months_before(clock.tokyo_day(now), months)


def partitions(session: Session) -> list[date]:
    """Return the months that have a partition by their first days, oldest first."""
    return list(session.scalars(_PARTITIONS))


def drop_partition(session: Session, month: date) -> None:
    """Drop the partition of a month if it exists.

    :param month: any day of the month.
    :raises sqlalchemy.exc.OperationalError: readers held the lock for too long (SQLSTATE 55P03).
    :raises sqlalchemy.exc.DataError: the month is too recent for any retention period.
    """
    session.execute(text("SELECT set_config('lock_timeout', :timeout, true)"), {"timeout": LOCK_TIMEOUT})
    session.execute(text("SELECT drop_alert_partition(:month)"), {"month": month})


def delete_counts(session: Session, *, before: date, limit: int = 50_000) -> int:
    """Delete old daily counts of the session's tenants, in batches that take about a second.

    :param before: the first day that is kept.
    :param limit: the maximum number of rows.
    :returns: the number of deleted rows, 0 when none are left.
    """
    deleted = session.connection().execute(_DELETE_COUNTS, {"before": before, "limit": limit})
    return deleted.rowcount
