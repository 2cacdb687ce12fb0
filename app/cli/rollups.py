"""The steps of ``flask portal rollups``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy.orm import Session

from models.alerts import retention, rollups
from models.db import alert_connection, allow_long_statements, db
from models.scope import all_tenants

MONTH_SECONDS = 600
"""How long a statement that counts a month may take."""


def rebuild() -> Iterator[date]:
    """Count all stored alerts anew.

    Each month is committed separately, so that storing alerts only waits for one month.

    :returns: the months, by first day, after each has been counted.
    """
    with Session(db.engine) as session:
        months = retention.partitions(session)
    with all_tenants(reason="the counts of every tenant are rebuilt") as session:
        for month in months:
            allow_long_statements(alert_connection(session), seconds=MONTH_SECONDS)
            rollups.rebuild_month(session, month)
            session.commit()
            yield month
