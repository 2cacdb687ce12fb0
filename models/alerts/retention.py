"""Retention of alerts: whole months (in Asia/Tokyo), each a partition that is created ahead and dropped as a whole."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock
from models.db import alert_connection, allow_long_statements

LOCK_TIMEOUT = "5s"
"""How long dropping a partition waits for readers of the alerts. Other queries queue behind the waiting drop, so it is
better to give up and retry later."""

_LONGEST = 300
"""How long deleting the counts of one day may take, in seconds."""

_PARTITIONS = text("""
SELECT to_date(right(relname, 6), 'YYYYMM') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'public.alert'::regclass AND relname ~ '^alert_[0-9]{6}$'
ORDER BY 1
""")
_COLUMNS = {
    "alert_daily": "day",
    "comparison_count": "day",
    "comparison_participant": "month",
    "comparison_month": "month",
    "threat_stat": "hour",
}
# Two statements with a value each, without the place of a row: Citus runs them on all shards.
_OLD = {
    table: text(f"SELECT {column} FROM {table} WHERE {column} < :before LIMIT 1")  # nosec B608  # noqa: S608  (constants)
    for table, column in _COLUMNS.items()
}
_DELETE = {
    table: text(f"DELETE FROM {table} WHERE {column} = :found")  # nosec B608  # noqa: S608  (constants)
    for table, column in _COLUMNS.items()
}
COUNTED = tuple(_COLUMNS)
"""The tables with counts and statistics, of which old rows are deleted."""


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
    return list(alert_connection(session).scalars(_PARTITIONS))


def drop_partition(session: Session, month: date) -> None:
    """Drop the partition of a month if it exists.

    :param month: any day of the month.
    :raises sqlalchemy.exc.OperationalError: readers held the lock for too long (SQLSTATE 55P03).
    :raises sqlalchemy.exc.DataError: the month is too recent for any retention period.
    """
    connection = alert_connection(session)
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    connection.execute(text("SELECT drop_alert_partition(:month)"), {"month": month})


def delete_counts(session: Session, table: str, *, before: date) -> int:
    """Delete the old rows of a table with counts or statistics, those of one day, hour or month at a time.

    :param session: a cross-tenant session.
    :param table: one of ``COUNTED``.
    :param before: the first day that is kept.
    :returns: the number of deleted rows, 0 when none are left.
    """
    connection = alert_connection(session)
    allow_long_statements(connection, seconds=_LONGEST)
    start = clock.day_start(before) if table == "threat_stat" else before
    found = connection.scalar(_OLD[table], {"before": start})
    return 0 if found is None else connection.execute(_DELETE[table], {"found": found}).rowcount
