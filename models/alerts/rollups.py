"""Count the stored alerts anew, for ``flask portal rollups rebuild``."""

from __future__ import annotations

from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock
from models.alerts import comparison
from models.db import alert_connection

# Waits for the bodies that are being stored, and lets the next ones wait: none of them is missed or counted twice.
_WAIT_FOR_INGEST = text("LOCK TABLE alert_daily IN SHARE ROW EXCLUSIVE MODE")
_DELETE_DAILY = text("DELETE FROM alert_daily WHERE day >= :month AND day < :after")
_COUNT_DAILY = text("""
INSERT INTO alert_daily (tenant_id, customer_id, utm_id, day, function, level, count)
SELECT tenant_id, customer_id, utm_id, (occurred_at AT TIME ZONE 'Asia/Tokyo')::date, function, level, count(*)
FROM alert WHERE occurred_at >= :start AND occurred_at < :end
GROUP BY 1, 2, 3, 4, 5, 6
""")


def rebuild_month(session: Session, month: date) -> None:
    """Count the alerts of a month anew. Storing alerts waits until the transaction has ended.

    :param session: a cross-tenant session.
    :param month: the first day of the month.
    """
    after = clock.next_month(month)
    connection = alert_connection(session)
    connection.execute(_WAIT_FOR_INGEST)
    connection.execute(_DELETE_DAILY, {"month": month, "after": after})
    connection.execute(_COUNT_DAILY, {"start": clock.day_start(month), "end": clock.day_start(after)})
    comparison.count_month(session, month)
