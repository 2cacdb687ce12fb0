"""The counts behind 参加企業平均と比べる (§7.14): which companies are compared in a month, and how many alerts they had.

The companies are determined once for each calendar month. If they could change within a month, the difference between two
averages of the same day would reveal the number of the company that was added or removed.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, Index, Integer, SmallInteger, String, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock
from models.alerts.alert import KNOWN_FUNCTIONS
from models.contracts.contract import Contract, counting, renewing
from models.db import ALERT_AREA, Base, CreatedAt, alert_connection
from models.scope import TenantScoped

WHOLE_DAY = -1
"""The ``hour`` of the row that counts a whole day. Months are drawn by day, days by hour."""


class ComparisonMonth(Base):
    """A calendar month (in Asia/Tokyo) whose companies are determined."""

    __tablename__ = "comparison_month"
    __table_args__ = (
        CheckConstraint("date_trunc('month', month) = month", name="ck_comparison_month_first_day"),
        {"info": ALERT_AREA},
    )

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    companies: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[CreatedAt]


class ComparisonParticipant(TenantScoped, Base):
    """A company that is compared in a month: it had a contract in force on the first day."""

    __tablename__ = "comparison_participant"
    __table_args__ = (Index("ix_comparison_participant_tenant_id_month", "tenant_id", "month"), {"info": ALERT_AREA})

    tenant_id: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)


class ComparisonCount(TenantScoped, Base):
    """The number of alerts of a tenant's participants by hour and by day, updated when alerts are stored.

    One row for all tenants would be written by every UTM, and each would wait for the others.
    """

    __tablename__ = "comparison_count"
    __table_args__ = (
        CheckConstraint(KNOWN_FUNCTIONS, name="ck_comparison_count_function"),
        CheckConstraint("hour BETWEEN -1 AND 23", name="ck_comparison_count_hour"),
        Index("ix_comparison_count_hour_day", "hour", "day", postgresql_include=["function", "count"]),
        {"info": ALERT_AREA},
    )

    tenant_id: Mapped[str] = mapped_column(String(8), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    function: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


# Waits for the bodies that are being stored, and lets the next ones wait: none of them is missed or counted twice.
_WAIT_FOR_INGEST = text("LOCK TABLE comparison_count IN SHARE ROW EXCLUSIVE MODE")
# In two steps, because Citus has no GROUPING SETS over rows of several shards.
_COUNT = text("""
WITH by_hour AS MATERIALIZED (
    SELECT
        alert.tenant_id,
        (occurred_at AT TIME ZONE 'Asia/Tokyo')::date AS day,
        CAST(extract(hour FROM occurred_at AT TIME ZONE 'Asia/Tokyo') AS smallint) AS hour,
        function,
        count(*) AS count
    FROM alert JOIN comparison_participant USING (customer_id)
    WHERE month = :month AND occurred_at >= :start AND occurred_at < :end
    GROUP BY 1, 2, 3, 4
)
INSERT INTO comparison_count (tenant_id, day, hour, function, count)
SELECT tenant_id, day, coalesce(hour, -1), function, sum(count)
FROM by_hour
GROUP BY GROUPING SETS ((tenant_id, day, function), (tenant_id, day, hour, function))
""")


_ADD_COMPANIES = text("""
INSERT INTO comparison_participant (tenant_id, customer_id, month)
SELECT tenant_id, customer_id, CAST(:month AS date)
FROM unnest(CAST(:tenant_ids AS text[]), CAST(:customer_ids AS text[])) AS company (tenant_id, customer_id)
""")


def determine_companies(session: Session, month: date) -> bool:
    """Determine the companies of a month, and count the alerts they already have. This is done once.

    :param session: a cross-tenant session.
    :param month: the first day of the month.
    :returns: whether the companies were determined now.
    """
    new = insert_or_ignore(ComparisonMonth.__table__).values(month=month, companies=0).on_conflict_do_nothing()
    if session.scalar(new.returning(ComparisonMonth.month)) is None:
        return False
    # Read apart from what is written, because the alerts can be in another database.
    in_force = session.execute(
        select(Contract.tenant_id, Contract.customer_id)
        .where(counting(), Contract.start_on <= month, or_(Contract.end_on >= month, renewing()))
        .distinct()
    ).all()
    if in_force:
        tenant_ids, customer_ids = zip(*in_force, strict=True)
        alert_connection(session).execute(
            _ADD_COMPANIES, {"month": month, "tenant_ids": list(tenant_ids), "customer_ids": list(customer_ids)}
        )
    session.execute(
        update(ComparisonMonth.__table__).where(ComparisonMonth.month == month).values(companies=len(in_force))
    )
    count_month(session, month)
    return True


def count_month(session: Session, month: date) -> None:
    """Count the alerts of a month's companies anew. Storing alerts waits until the transaction has ended.

    :param session: a cross-tenant session.
    :param month: the first day of the month.
    """
    after = clock.next_month(month)
    connection = alert_connection(session)
    connection.execute(_WAIT_FOR_INGEST)
    connection.execute(
        text("DELETE FROM comparison_count WHERE day >= :month AND day < :after"), {"month": month, "after": after}
    )
    connection.execute(_COUNT, {"month": month, "start": clock.day_start(month), "end": clock.day_start(after)})


def missing_months(session: Session, *, now: datetime, months: int) -> list[date]:
    """Return the months whose companies are not determined yet, oldest first.

    :param months: the retention period of alerts in months.
    """
    first, this = clock.months_before(clock.tokyo_day(now), months), clock.month_start(clock.tokyo_day(now))
    known = set(session.scalars(select(ComparisonMonth.month)))
    wanted = [clock.months_before(this, back) for back in range(months, -1, -1)]
    return [month for month in wanted if month >= first and month not in known]
