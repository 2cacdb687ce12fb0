"""How alerts come in: lines of a body to rows, with the daily counts, in one transaction.

COPY into a temporary table and INSERT .. SELECT from there: COPY straight into a table with row-level security is
refused, and row by row is ten times slower (docs/adr/0005-alerts.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock
from models.alerts import line as alert_line
from models.db import psycopg_connection

MAX_LINES = 10_000
MAX_REASONS = 1_000
"""Refused lines told one by one; the rest is only counted, so that an answer stays small."""

_COLUMNS = ", ".join(alert_line.COLUMNS)
_ARRIVAL = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS alert_arrival ON COMMIT DROP
    AS SELECT {_COLUMNS} FROM alert WITH NO DATA
"""  # noqa: S608  (the names are constants)
# In one order, whatever the body's: two bodies at once with the same lines would otherwise wait for each other.
_STORE = text(f"""
WITH stored AS (
    INSERT INTO alert (tenant_id, customer_id, utm_id, {_COLUMNS})
    SELECT :tenant_id, :customer_id, :utm_id, {_COLUMNS} FROM alert_arrival
    ORDER BY occurred_at, alert_id
    ON CONFLICT DO NOTHING
    RETURNING occurred_at, function, level
), counted AS (
    INSERT INTO alert_daily (tenant_id, customer_id, utm_id, day, function, level, count)
    SELECT :tenant_id, :customer_id, :utm_id, (occurred_at AT TIME ZONE 'Asia/Tokyo')::date, function, level, count(*)
    FROM stored GROUP BY 4, 5, 6
    ORDER BY 4, 5, 6
    ON CONFLICT (utm_id, day, function, level) DO UPDATE SET count = alert_daily.count + excluded.count
)
SELECT count(*) FROM stored
""")  # noqa: S608  (the names are constants)
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
    """What became of the lines of one body."""

    stored: int = 0
    duplicate: int = 0
    rejected_count: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)

    @property
    def received(self) -> int:
        """How many lines came: each was stored, known already or refused."""
        return self.stored + self.duplicate + self.rejected_count

    def reject(self, number: int, reason: str) -> None:
        """Note a refused line.

        :param number: its number in the body, the first being 1.
        """
        self.rejected_count += 1
        if len(self.rejected) < MAX_REASONS:
            self.rejected.append((number, reason))


@dataclass(frozen=True)
class Sender:
    """The UTM that sends, as its token says: never as the lines say."""

    tenant_id: str
    customer_id: str
    utm_id: int


def store(
    session: Session, sender: Sender, lines: Iterable[tuple[int, bytes]], *, now: datetime, retention_months: int
) -> Receipt:
    """Store the good lines of a body and say what is wrong with the others.

    :param lines: line numbers and bytes; a lazy iterable, so that a body need not be in memory whole.
    :param now: lines more than a day ahead of it are refused.
    :param retention_months: lines from before that many months are refused.
    """
    oldest = clock.day_start(clock.months_before(clock.tokyo_day(now), retention_months))
    newest = now + timedelta(days=1)
    receipt = Receipt()
    rows: list[tuple[Any, ...]] = []
    for number, raw in lines:
        if len(rows) + receipt.rejected_count >= MAX_LINES:
            receipt.reject(number, f"after the first {MAX_LINES} lines")
            continue
        try:
            rows.append(alert_line.parse(raw, oldest=oldest, newest=newest))
        except alert_line.BadLine as bad:
            receipt.reject(number, str(bad))
    if rows:
        receipt.stored = _copy(session, sender, rows)
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
    session.execute(_TAKE_TURNS)
    # Asked once more in a statement of its own: the function would not see what was made while this one waited.
    for month in _missing(session, wanted):
        session.execute(text("SELECT make_alert_partition(:day)"), {"day": month})


def _missing(session: Session, months: list[date]) -> list[date]:
    return list(session.scalars(_MISSING, {"months": months}))


def _copy(session: Session, sender: Sender, rows: list[tuple[Any, ...]]) -> int:
    ensure_partitions(session, {clock.month_start(clock.tokyo_day(row[1])) for row in rows})
    session.connection().exec_driver_sql(_ARRIVAL)
    with psycopg_connection(session).cursor() as cursor:
        cursor.execute("DELETE FROM pg_temp.alert_arrival")  # rows of an earlier body in the same transaction
        with cursor.copy(f"COPY pg_temp.alert_arrival ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    return session.execute(_STORE, vars(sender)).scalar_one()
