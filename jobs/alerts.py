"""Maintain the alerts and their counts: create monthly partitions ahead, and drop them after the retention period."""

from __future__ import annotations

from flask import current_app
from sqlalchemy.orm import Session

from jobs.job import job
from models import clock
from models.alerts import comparison
from models.alerts import ingest as alert_ingest
from models.alerts import retention as alert_retention
from models.db import db
from models.errors import N_
from models.operations.schedule import Entry, daily
from models.scope import all_tenants

SCHEDULE = (
    Entry("alert-partitions", N_("Create partitions of the alert table"), "jobs.alerts.make_partitions", daily(0, 30)),
    Entry(
        "alert-retention", N_("Drop alerts past their retention period"), "jobs.alerts.drop_old_partitions", daily(2, 0)
    ),
    Entry(
        "comparison-companies",
        N_("Determine the companies of the comparison"),
        "jobs.alerts.determine_compared_companies",
        daily(0, 15),
    ),
)


@job(entry="alert-partitions")
def make_partitions() -> None:
    """Create missing partitions for this month and the two after it.

    Storing an alert creates a missing partition too, but then the first alerts of a month would have to wait for it.
    """
    with Session(db.engine) as session, session.begin():
        alert_ingest.ensure_partitions(session, alert_retention.months_ahead(clock.utc_now()))


@job(entry="alert-retention")
def drop_old_partitions() -> None:
    """Drop alerts, their counts and threat statistics that are older than ``ALERT_RETENTION_MONTHS`` months.

    Each step is committed separately, so that an interrupted run keeps its progress and the next run does the rest.
    """
    oldest = alert_retention.oldest_kept(clock.utc_now(), months=current_app.config["ALERT_RETENTION_MONTHS"])
    with Session(db.engine) as session:
        months = [month for month in alert_retention.partitions(session) if month < oldest]
        session.commit()
        for month in months:
            alert_retention.drop_partition(session, month)
            session.commit()
    with all_tenants(reason="the retention period is the same for every tenant") as session:
        for table in alert_retention.COUNTED:
            while alert_retention.delete_counts(session, table, before=oldest):
                session.commit()


@job(entry="comparison-companies")
def determine_compared_companies() -> None:
    """Determine the companies that are compared in a month (§7.14), for all months that are retained."""
    months = current_app.config["ALERT_RETENTION_MONTHS"]
    with all_tenants(reason="companies are compared with those of all tenants") as session:
        missing = comparison.missing_months(session, now=clock.utc_now(), months=months)
        session.commit()
        for month in missing:
            comparison.determine_companies(session, month)
            session.commit()
