"""Store the alert lines of a request body, with their counts and what is to be mailed, in one transaction.

The rows are copied into a temporary table and moved with INSERT ... SELECT. PostgreSQL refuses COPY into a table with
row-level security, and single inserts are ten times slower (docs/adr/0005-alerts.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock
from models.alerts import level_policy
from models.alerts import line as alert_line
from models.db import alert_connection, psycopg_connection

MAX_LINES = 10_000
MAILED_FOR = timedelta(hours=24)
"""How old a High alert may be when it arrives to be mailed. What a UTM sends after a longer time offline is old news."""

MAX_REASONS = 1_000
"""How many rejected lines are reported one by one. The rest is only counted, to keep the response small."""

_COLUMNS = ", ".join(alert_line.COLUMNS)
_ARRIVAL = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS alert_arrival ON COMMIT DROP
    AS SELECT {_COLUMNS} FROM alert WITH NO DATA
"""  # nosec B608  # noqa: S608  (the names are constants)
# The counts that _STORE adds to. ON CONFLICT in _STORE can name only one of the two unique keys of alert_daily: if two bodies
# with the first alerts of a day inserted the same count, the second one would violate the other key.
_BEGIN_COUNTS = text("""
INSERT INTO alert_daily (tenant_id, customer_id, utm_id, day, function, level, count)
SELECT DISTINCT :tenant_id, :customer_id, :utm_id, (occurred_at AT TIME ZONE 'Asia/Tokyo')::date, function, level, 0
FROM pg_temp.alert_arrival
ORDER BY 4, 5, 6
ON CONFLICT DO NOTHING
""")
# Rows are inserted in a fixed order: otherwise two concurrent bodies with the same lines could deadlock.
_STORE = text(f"""
WITH stored AS (
    INSERT INTO alert (tenant_id, customer_id, utm_id, policy_version, {_COLUMNS})
    SELECT :tenant_id, :customer_id, :utm_id, :policy_version, {_COLUMNS} FROM alert_arrival
    ORDER BY occurred_at, alert_id
    ON CONFLICT DO NOTHING
    RETURNING occurred_at, alert_id, function, level
), due AS (
    INSERT INTO alert_mail_due (tenant_id, utm_id, occurred_at, alert_id)
    SELECT :tenant_id, :utm_id, occurred_at, alert_id FROM stored
    WHERE level = 'high' AND occurred_at >= :mailed_from
), counted AS (
    INSERT INTO alert_daily (tenant_id, customer_id, utm_id, day, function, level, count)
    SELECT :tenant_id, :customer_id, :utm_id, (occurred_at AT TIME ZONE 'Asia/Tokyo')::date, function, level, count(*)
    FROM stored GROUP BY 4, 5, 6
    ORDER BY 4, 5, 6
    ON CONFLICT (customer_id, utm_id, day, function, level) DO UPDATE SET count = alert_daily.count + excluded.count
    RETURNING day
), compared AS (
    INSERT INTO comparison_count (tenant_id, day, hour, function, count)
    SELECT :tenant_id, day, coalesce(hour, -1), function, count
    FROM (
        SELECT day, hour, function, count(*) AS count
        FROM (
            SELECT
                (occurred_at AT TIME ZONE 'Asia/Tokyo')::date AS day,
                extract(hour FROM occurred_at AT TIME ZONE 'Asia/Tokyo') AS hour,
                function
            FROM stored
        ) AS each
        GROUP BY GROUPING SETS ((day, function), (day, hour, function))
    ) AS new
    JOIN comparison_participant ON customer_id = :customer_id AND month = date_trunc('month', day)
    -- Always true: two bodies of a UTM lock the rows of the two tables in the same order.
    WHERE (SELECT count(*) FROM counted) > 0
    ORDER BY day, hour, function
    ON CONFLICT (tenant_id, day, hour, function) DO UPDATE SET count = comparison_count.count + excluded.count
)
SELECT count(*) FROM stored
""")  # nosec B608  # noqa: S608  (the names are constants)
# Read from the catalogue itself: looking a name up there keeps what it found, also that there was nothing.
_MISSING = text("""
SELECT month FROM unnest(CAST(:months AS date[])) AS month
WHERE NOT EXISTS (
    SELECT FROM pg_class
    WHERE relnamespace = CAST('public' AS regnamespace) AND relname = 'alert_' || to_char(month, 'YYYYMM')
)
ORDER BY month
""")
# The lock of make_alert_partition().
_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(7403212)")


@dataclass
class Receipt:
    """The outcome for the lines of one body."""

    stored: int = 0
    duplicate: int = 0
    rejected_count: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)

    @property
    def received(self) -> int:
        """The number of received lines: stored, duplicate and rejected."""
        return self.stored + self.duplicate + self.rejected_count

    def reject(self, number: int, reason: str) -> None:
        """Record a rejected line.

        :param number: the line number in the body, from 1.
        """
        self.rejected_count += 1
        if len(self.rejected) < MAX_REASONS:
            self.rejected.append((number, reason))


@dataclass(frozen=True)
class Sender:
    """The UTM that sends, as identified by its token, never by the content of the lines."""

    tenant_id: str
    customer_id: str
    utm_id: int


def store(
    session: Session, sender: Sender, lines: Iterable[tuple[int, bytes]], *, now: datetime, retention_months: int
) -> Receipt:
    """Store the valid lines of a body and report the invalid ones.

    :param lines: line numbers and bytes; may be lazy, so that a body need not fit into memory.
    :param now: lines more than a day later than this are rejected.
    :param retention_months: lines older than this number of months are rejected.
    """
    oldest = clock.day_start(clock.months_before(clock.tokyo_day(now), retention_months))
    newest = now + timedelta(days=1)
    policy = level_policy.in_force(session)
    levels = alert_line.level_decider(policy)
    receipt = Receipt()
    rows: list[tuple[Any, ...]] = []
    for number, raw in lines:
        if len(rows) + receipt.rejected_count >= MAX_LINES:
            receipt.reject(number, f"after the first {MAX_LINES} lines")
            continue
        try:
            rows.append(alert_line.parse(raw, oldest=oldest, newest=newest, levels=levels))
        except alert_line.BadLine as bad:
            receipt.reject(number, str(bad))
    if rows:
        decided = {"policy_version": policy.version, "mailed_from": now - MAILED_FOR}
        receipt.stored = _copy(session, sender, rows, decided)
        receipt.duplicate = len(rows) - receipt.stored
    return receipt


def ensure_partitions(session: Session, months: Iterable[date]) -> None:
    """Make the partitions of months where they are missing.

    Of several transactions that miss one at the same time the first makes it, and the others wait for its commit.

    :param months: any day of each.
    :raises sqlalchemy.exc.DataError: a month is too far ahead, or before the year 2000.
    """
    wanted = sorted(set(months))
    if not _missing(session, wanted):
        return
    alert_connection(session).execute(_TAKE_TURNS)
    # Asked once more in a statement of its own: the function would not see what was made while this one waited.
    for month in _missing(session, wanted):
        alert_connection(session).execute(text("SELECT make_alert_partition(:day)"), {"day": month})


def _missing(session: Session, months: list[date]) -> list[date]:
    return list(alert_connection(session).scalars(_MISSING, {"months": months}))


def _copy(session: Session, sender: Sender, rows: list[tuple[Any, ...]], decided: dict[str, Any]) -> int:
    ensure_partitions(session, {clock.month_start(clock.tokyo_day(row[1])) for row in rows})
    connection = alert_connection(session)
    connection.exec_driver_sql(_ARRIVAL)
    with psycopg_connection(connection).cursor() as cursor:
        cursor.execute("DELETE FROM pg_temp.alert_arrival")  # rows of an earlier body in the same transaction
        with cursor.copy(f"COPY pg_temp.alert_arrival ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    connection.execute(_BEGIN_COUNTS, vars(sender))
    return connection.execute(_STORE, vars(sender) | decided).scalar_one()
