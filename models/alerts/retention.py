"""How long alerts are kept: whole months (in Tokyo), each a partition that is made ahead and dropped at once."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock

LOCK_TIMEOUT = "5s"
"""How long a drop waits for those who read the alerts. Whoever wants to read meanwhile waits behind it, so that it is
better to give up and come again."""

_PARTITIONS = text("""
SELECT to_date(right(relname, 6), 'YYYYMM') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'public.alert'::regclass AND relname ~ '^alert_[0-9]{6}$'
ORDER BY 1
""")
# By place: the table has no index that starts with the day, and needs none but for this.
_DELETE_COUNTS = text("""
DELETE FROM alert_daily WHERE ctid = ANY (ARRAY(SELECT ctid FROM alert_daily WHERE day < :before LIMIT :limit))
""")


def months_ahead(now: datetime) -> list[date]:
    """The months that have to have a partition: the one of ``now`` and the two after it, by their first days."""
    this = clock.month_start(clock.tokyo_day(now))
    following = clock.next_month(this)
    return [this, following, clock.next_month(following)]


def oldest_kept(now: datetime, *, months: int) -> date:
    """The first day that is kept.

    :param months: how many whole months before the one of ``now``.
    """
    return clock.months_before(clock.tokyo_day(now), months)


def partitions(session: Session) -> list[date]:
    """The first days of the months that have a partition, oldest first."""
    return list(session.scalars(_PARTITIONS))


def drop_partition(session: Session, month: date) -> None:
    """Drop a month of alerts; does nothing when it is gone.

    :param month: any day of it.
    :raises sqlalchemy.exc.OperationalError: somebody reads the alerts for too long (sqlstate 55P03).
    :raises sqlalchemy.exc.DataError: the month is too young to be past any retention time.
    """
    session.execute(text("SELECT set_config('lock_timeout', :timeout, true)"), {"timeout": LOCK_TIMEOUT})
    session.execute(text("SELECT drop_alert_partition(:month)"), {"month": month})


def delete_counts(session: Session, *, before: date, limit: int = 50_000) -> int:
    """Delete daily counts of the session's tenants, not all at once but so many that it takes about a second.

    :param before: the first day that stays.
    :param limit: how many rows at most.
    :returns: how many rows it was; 0 when none is left.
    """
    deleted = session.connection().execute(_DELETE_COUNTS, {"before": before, "limit": limit})
    return deleted.rowcount
