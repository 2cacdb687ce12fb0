from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
import time_machine
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from jobs.alerts import determine_compared_companies, drop_old_partitions, make_partitions
from jobs.job import JobFailed
from models import clock
from models.alerts import ingest as alert_ingest
from models.alerts import retention as alert_retention
from models.alerts.alert import Alert, AlertDaily
from models.db import db
from tests.support.alerts import line

pytestmark = pytest.mark.usefixtures("context")

LAST_MOMENT_OF_NOVEMBER = datetime(2026, 11, 30, 14, 59, 59, tzinfo=UTC)
"""23:59:59 in Tokyo."""
FIRST_MOMENT_OF_DECEMBER = LAST_MOMENT_OF_NOVEMBER + timedelta(seconds=1)


def months() -> list[str]:
    with Session(db.engine) as session:
        return [f"{month:%Y-%m}" for month in alert_retention.partitions(session)]


@pytest.fixture
def partitions(service_env, context, new_timetable) -> Iterator[Callable[..., None]]:
    """Have the partitions of exactly these months: ``partitions("2025-10", "2025-11")``. Puts back what was there."""
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string()

    def have(*wanted: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            for month in months():
                name = sql.Identifier("alert_" + month.replace("-", ""))
                connection.execute(sql.SQL("DROP TABLE {}").format(name))
            for month in wanted:
                connection.execute("SELECT make_alert_partition(%s)", [date.fromisoformat(f"{month}-01")])

    before = months()
    yield have
    have(*before)


@pytest.mark.parametrize(
    ("moment", "made"),
    [
        (LAST_MOMENT_OF_NOVEMBER, ["2026-11", "2026-12", "2027-01"]),
        (FIRST_MOMENT_OF_DECEMBER, ["2026-12", "2027-01", "2027-02"]),
    ],
)
def test_the_months_made_are_this_one_in_tokyo_and_the_two_after_it(partitions, moment, made):
    partitions()
    with time_machine.travel(moment, tick=False):
        make_partitions()
        assert months() == made
        make_partitions()
        assert months() == made


def test_a_partition_made_ahead_can_be_read_only_through_its_parent(partitions):
    partitions()
    with time_machine.travel(LAST_MOMENT_OF_NOVEMBER, tick=False):
        make_partitions()
    with Session(db.engine) as session:
        rights = session.scalar(text("SELECT has_table_privilege('alert_202612', 'SELECT, INSERT, UPDATE, DELETE')"))
    assert rights is False


def alert(customer, utm, number: int, occurred_at: datetime) -> Alert:
    return Alert(
        tenant_id=customer.tenant_id,
        customer_id=customer.id,
        utm_id=utm.id,
        alert_id=str(number),
        occurred_at=occurred_at,
        function="ips",
        action="block",
        level="high",
    )


def count(customer, utm, day: date) -> AlertDaily:
    return AlertDaily(
        tenant_id=customer.tenant_id,
        customer_id=customer.id,
        utm_id=utm.id,
        day=day,
        function="ips",
        level="high",
        count=1,
    )


EDGE = datetime(2025, 10, 31, 15, tzinfo=UTC)
"""The first moment of November 2025 in Tokyo."""


@pytest.fixture
def old_alerts(partitions, make) -> Iterator[Session]:
    """Alerts and counts of two tenants on both sides of the edge, and of long ago."""
    partitions("2025-09", "2025-10", "2025-11", "2026-11")
    for _ in range(2):
        customer, utm = make.customer_with_utm(make.tenant())
        moments = [EDGE - timedelta(days=45), EDGE - timedelta(seconds=1), EDGE, EDGE + timedelta(days=20)]
        make.session.add_all(alert(customer, utm, number, moment) for number, moment in enumerate(moments))
        make.session.add_all(count(customer, utm, clock.tokyo_day(moment)) for moment in moments)
    make.session.commit()
    yield make.session
    make.session.rollback()


def left(session: Session) -> tuple[list[date], list[date]]:
    session.rollback()
    alerts = [clock.tokyo_day(moment) for moment in session.scalars(select(Alert.occurred_at))]
    return sorted(alerts), sorted(session.scalars(select(AlertDaily.day)))


def test_what_is_past_the_retention_time_goes_for_every_tenant_and_nothing_else(old_alerts):
    """13 months before December 2026 are kept: November 2025 is the oldest."""
    with time_machine.travel(FIRST_MOMENT_OF_DECEMBER, tick=False):
        drop_old_partitions()
    kept = [date(2025, 11, 1)] * 2 + [date(2025, 11, 21)] * 2
    assert months() == ["2025-11", "2026-11"]
    assert left(old_alerts) == (kept, kept)

    with time_machine.travel(FIRST_MOMENT_OF_DECEMBER, tick=False):
        drop_old_partitions()
    assert months() == ["2025-11", "2026-11"]
    assert left(old_alerts) == (kept, kept)


def test_a_month_is_kept_until_the_last_moment_in_tokyo(old_alerts):
    with time_machine.travel(LAST_MOMENT_OF_NOVEMBER, tick=False):
        drop_old_partitions()
    kept = [date(2025, 10, 31)] * 2 + [date(2025, 11, 1)] * 2 + [date(2025, 11, 21)] * 2
    assert months() == ["2025-10", "2025-11", "2026-11"]
    assert left(old_alerts) == (kept, kept)


@pytest.mark.usefixtures("old_alerts")
def test_the_retention_time_is_a_setting(app, monkeypatch):
    monkeypatch.setitem(app.config, "ALERT_RETENTION_MONTHS", 14)
    with time_machine.travel(FIRST_MOMENT_OF_DECEMBER, tick=False):
        drop_old_partitions()
    assert months() == ["2025-10", "2025-11", "2026-11"]


@pytest.mark.usefixtures("partitions")
def test_arrival_and_retention_mean_the_same_day(in_tenant):
    assert alert_retention.oldest_kept(FIRST_MOMENT_OF_DECEMBER, months=13) == date(2025, 11, 1)
    lines = [(1, line(1, at=EDGE - timedelta(seconds=1))), (2, line(2, at=EDGE))]
    sender = alert_ingest.Sender("T8000000", "C00000001", 1)
    with in_tenant("T8000000") as session:
        receipt = alert_ingest.store(session, sender, lines, now=FIRST_MOMENT_OF_DECEMBER, retention_months=13)
    assert (receipt.stored, receipt.rejected) == (1, [(1, "time: older than the retention period")])


def test_old_counts_and_statistics_are_deleted_in_every_table(old_alerts):
    values = {
        "old": EDGE - timedelta(hours=1),
        "kept": EDGE,
        "old_month": date(2025, 10, 1),
        "month": date(2025, 11, 1),
    }
    old_alerts.execute(
        text(
            "INSERT INTO threat_stat (tenant_id, customer_id, utm_id, hour, function, category, count, received_at)"
            " SELECT 'T8000000', 'A00000001', 1, hour, 'ips', 'scan', 1, now()"
            " FROM unnest(ARRAY[:old ::timestamptz, :kept ::timestamptz]) AS hour"
        ),
        values,
    )
    for insert in (
        "comparison_count (tenant_id, day, hour, function, count) SELECT 'T8000000', month, -1, 'ips', 1",
        "comparison_participant (tenant_id, customer_id, month) SELECT 'T8000000', 'A00000001', month",
        "comparison_month (month, companies) SELECT month, 1",
    ):
        months_of_both = "unnest(ARRAY[:old_month ::date, :month ::date]) AS month"
        old_alerts.execute(text(f"INSERT INTO {insert} FROM {months_of_both}"), values)
    old_alerts.commit()

    with time_machine.travel(FIRST_MOMENT_OF_DECEMBER, tick=False):
        drop_old_partitions()

    def left(table: str, column: str) -> list:
        return old_alerts.scalars(text(f"SELECT {column} FROM {table}")).all()

    november = [date(2025, 11, 1)]
    assert left("threat_stat", "hour") == [EDGE]
    assert left("comparison_count", "day") == november
    assert left("comparison_participant", "month") == november
    assert left("comparison_month", "month") == november


def test_the_companies_of_the_comparison_are_determined_by_the_job(make, new_timetable):
    make.contract(start_on=date(2026, 10, 15))
    with time_machine.travel(FIRST_MOMENT_OF_DECEMBER, tick=False):
        determine_compared_companies()
    months_of_one = make.session.scalars(
        text("SELECT month FROM comparison_month WHERE companies = 1 ORDER BY 1")
    ).all()
    assert months_of_one == [date(2026, 11, 1), date(2026, 12, 1)]


def test_counts_are_deleted_a_day_at_a_time(old_alerts):
    deleted = [alert_retention.delete_counts(old_alerts, "alert_daily", before=date(2025, 11, 1)) for _ in range(3)]
    assert deleted == [2, 2, 0]


@pytest.mark.usefixtures("old_alerts")
def test_a_long_reader_makes_the_drop_give_up_and_the_next_run_does_it(monkeypatch, row):
    monkeypatch.setattr(alert_retention, "LOCK_TIMEOUT", "50ms")
    with time_machine.travel(FIRST_MOMENT_OF_DECEMBER, tick=False):
        with Session(db.engine) as reader:
            reader.execute(text("SELECT count(*) FROM alert"))
            with pytest.raises(JobFailed, match=r"^OperationalError 55P03\b"):
                drop_old_partitions()
        assert row("alert-retention").last_error == "OperationalError 55P03"
        assert months() == ["2025-09", "2025-10", "2025-11", "2026-11"]
        drop_old_partitions()
    assert row("alert-retention").last_error is None
    assert months() == ["2025-11", "2026-11"]


@pytest.mark.usefixtures("partitions")
def test_the_app_cannot_drop_a_young_month_by_mistake():
    this_month = clock.tokyo_day(clock.utc_now())
    with Session(db.engine) as session, pytest.raises(Exception, match="is not dropped"):
        alert_retention.drop_partition(session, this_month)
