"""A portal whose alerts have a database of their own (docs/scaling.md)."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from jobs import alert_mails, alerts
from models import clock
from models.actor import SYSTEM
from models.alerts import alert_mail, level_policy, policy_rules, rollups
from models.alerts.alert import Alert, AlertDaily
from models.alerts.level_policy import LevelRule
from models.customers.customer import Customer
from models.db import ALERTS, alert_connection, db
from models.errors import ALERTS_UNAVAILABLE, ScopeError
from models.mail.alert_mail_due import AlertMailDue
from models.reports import issuing
from models.scope import all_tenants, tenant_session
from models.utms import utm as utms
from models.utms.utm import Utm
from tests.support.alert_pages import download
from tests.support.alerts import line
from tests.support.pages import Page

NOW = clock.utc_now()
THIS_MONTH = clock.month_start(clock.tokyo_day(NOW))
LAST_MONTH = clock.months_before(THIS_MONTH, 1)


def counted(connection: psycopg.Connection, table: str) -> int:
    return connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()[0]


def text_of(client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return Page(answer.text).main.text


def test_the_alerts_are_stored_and_found_in_their_database(
    app, make, operator, utm, send, alert_database, main_database
):
    other = make.utm(customer_row=utm.customer, name="支店")
    at = clock.utc_now() - timedelta(minutes=3)
    high = {"alert_severity": "high", "msg": "ET SCAN"}
    earlier = at - timedelta(minutes=1)
    sent = send(utm, [line(1, at=at, alert_id="first", **high), line(2, at=earlier, alert_id="second")])
    assert sent.json["stored"] == 2
    assert send(other, [line(1, at=at, alert_id="third")]).json["stored"] == 1
    yesterday = clock.tokyo_day(at) - timedelta(days=1)
    hour = f"{yesterday}T12:00:00+09:00"
    count = json.dumps({"hour": hour, "function": "url_filter", "category": "ギャンブル", "count": 7}).encode()
    assert send(utm, [count], path="threat-stats").json["stored"] == 1

    assert {table: counted(alert_database, table) for table in ("alert", "alert_daily", "threat_stat")} == {
        "alert": 3,
        "alert_daily": 3,
        "threat_stat": 1,
    }
    for table in ("alert", "alert_daily", "threat_stat", "alert_mail_due"):
        assert counted(main_database, table) == 0

    base = f"/customers/{utm.customer_id}"
    for direction, places in (("asc", ["third", "second", "first"]), ("desc", ["first", "second", "third"])):
        listed = text_of(operator, f"{base}/alerts/?sort=utm&direction={direction}")
        assert sorted(("first", "second", "third"), key=listed.index) == places
    assert "first" in text_of(operator, f"{base}/alerts/?threat=scan")
    assert "second" not in text_of(operator, f"{base}/alerts/?threat=scan")
    assert "first" in text_of(operator, f"{base}/alerts/important")
    seq = alert_database.execute("SELECT seq FROM alert WHERE alert_id = 'first'").fetchone()[0]
    assert "192.168.10.24" in text_of(operator, f"{base}/alerts/?open={seq}")
    assert "ET SCAN" in text_of(operator, f"{base}/alerts/threats")
    _, files = download(operator, utm)
    assert sorted(each for found in files.values() for each in found) == ["first", "second", "third"]
    assert "ギャンブル" in text_of(operator, f"{base}/charts/threats?unit=day&day={yesterday}")
    assert "本社" in text_of(operator, f"{base}/charts/utms?unit=month")
    assert "IPS" in text_of(operator, f"{base}/charts/average?unit=month")
    for url in (f"{base}/security?sort=alert_count", "/utms/?sort=alert_count"):
        for direction, first in (("desc", "本社"), ("asc", "支店")):
            listed = text_of(operator, f"{url}&direction={direction}")
            assert min("本社", "支店", key=listed.rindex) == first, url
    assert utm.customer.name in text_of(operator, "/")


def test_figures_of_tenants_count_the_alerts_of_customers_that_are_not_deleted(make, signed_in, utm, send, operator):
    gone = make.customer_with_utm(operator.tenant)[1]
    for each in (utm, gone):
        send(each, [line(1, at=clock.utc_now(), alert_severity="high")])
    make.session.get(Customer, gone.customer_id).deleted_at = NOW
    make.session.commit()
    staff = signed_in(make.elevated("NEC Staff"))

    (row,) = Page(staff.get("/staff/overview/").text).rows
    assert row["重要アラート数"] == "1"
    (row,) = Page(staff.get("/tenants/").text).rows
    assert row["重要アラート数"] == "1"


@pytest.mark.usefixtures("context")
def test_jobs_maintain_the_alerts_in_their_database(make, utm, send, alert_database):
    send(utm, [line(1, at=clock.utc_now(), alert_severity="high")])
    alert_database.execute("SELECT make_alert_partition('2024-01-05')")
    alert_database.execute(
        "INSERT INTO alert_daily (tenant_id, customer_id, utm_id, day, function, level, count)"
        " VALUES (%s, %s, %s, '2024-01-05', 'ips', 'low', 4)",
        [utm.tenant_id, utm.customer_id, utm.id],
    )

    alerts.make_partitions()
    alerts.determine_compared_companies()
    alerts.drop_old_partitions()

    assert counted(alert_database, "comparison_participant") > 0
    assert alert_database.execute("SELECT to_regclass('alert_202401')").fetchone() == (None,)
    alert_database.execute("UPDATE alert_daily SET count = 9")
    with all_tenants("a test counts anew") as session:
        rollups.rebuild_month(session, THIS_MONTH)
        session.commit()
        assert session.scalars(select(AlertDaily.count)).all() == [1]


@pytest.mark.usefixtures("context")
def test_a_monthly_report_has_the_alerts_of_the_other_database(make, utm, alert_database):
    alert_database.execute("SELECT make_alert_partition(%s)", [LAST_MONTH])
    alert_database.execute(
        "INSERT INTO alert (tenant_id, customer_id, utm_id, occurred_at, alert_id, function, action, level, msg)"
        " VALUES (%s, %s, %s, %s, '1', 'ips', 'block', 'high', 'ET TROJAN')",
        [utm.tenant_id, utm.customer_id, utm.id, clock.day_start(LAST_MONTH)],
    )

    with tenant_session(utm.tenant_id) as session:
        assert issuing.issue_batch(session, LAST_MONTH, now=NOW, online_for=timedelta(minutes=10)) == 1
        session.commit()

    assert "ET TROJAN" in make.session.scalar(text("SELECT text FROM monthly_report"))


@pytest.mark.usefixtures("context")
def test_high_alerts_are_mailed_once(utm, send, mails, alert_database):
    at = clock.utc_now()
    send(utm, [line(number, at=at, alert_severity="high") for number in range(3)])
    alert_mails.send()
    alert_mails.send()
    assert ["件数: 3\n" in each.body for each in mails()] == [True]
    assert counted(alert_database, "alert_mail_due") == 0

    send(utm, [line(9, at=at, alert_severity="high")])
    alert_mails.send()
    assert ["件数: 1\n" in each.body for each in mails()] == [False, True]


@pytest.mark.usefixtures("context")
def test_a_mail_whose_run_was_killed_is_written_by_the_next_with_the_same_alerts(utm, send, mails):
    at = clock.utc_now()
    send(utm, [line(number, at=at, alert_severity="high") for number in range(3)])
    with tenant_session(utm.tenant_id) as session:
        alert_mail.send(session, utm.id, customer_portal_url="", list_url=str, now=NOW)
        session.rollback()
    send(utm, [line(9, at=at, alert_severity="high")])

    for _ in range(3):
        alert_mails.send()

    assert [each.body.split("件数: ")[1].split("\n")[0] for each in mails()] == ["3", "1"]


@pytest.mark.usefixtures("context")
def test_an_alert_that_is_no_longer_high_is_lowered_once_and_not_mailed(make, utm, send, mails, alert_database):
    at = clock.utc_now()
    send(utm, [line(1, at=at, alert_severity="high", msg="ET SCAN"), line(2, at=at, alert_severity="high", msg="C2")])
    policy = (LevelRule("low", signature="et scan"), LevelRule("high", function="ips"))
    number = level_policy.in_force(make.session).version
    policy_rules.save(make.session, policy, "low", shown=number, by=SYSTEM)
    make.session.commit()

    with tenant_session(utm.tenant_id) as session:
        alert_mail.send(session, utm.id, customer_portal_url="", list_url=str, now=NOW)
        session.rollback()
    alert_mails.send()

    assert ["件数: 1\n" in each.body for each in mails()] == [True]
    levels = alert_database.execute("SELECT level, sum(count) FROM alert_daily GROUP BY 1 ORDER BY 1").fetchall()
    assert levels == [("high", 1), ("low", 1)]


@pytest.mark.usefixtures("context")
def test_a_removed_utm_is_mailed_nothing(utm, send, mails, alert_database):
    send(utm, [line(1, at=clock.utc_now(), alert_severity="high")])
    with tenant_session(utm.tenant_id) as session:
        utms.remove(session, session.get_one(Utm, utm.id), now=NOW, by=SYSTEM)
        session.commit()

    alert_mails.send()
    alert_mails.send()

    assert mails() == []
    assert counted(alert_database, "alert_mail_due") == 0


def test_without_the_database_of_the_alerts_everything_else_works(app, make, operator, utm, send, down):
    at = clock.utc_now()
    with down():
        assert operator.get("/customers/").status_code == 200
        listed = operator.get(f"/customers/{utm.customer_id}/alerts/")
        assert listed.status_code == 503
        assert "アラート" in Page(listed.text).main.text
        refused = send(utm, [line(1, at=at)])
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        assert send(utm, [b"{}"], path="heartbeat").status_code == 200
        ready = app.test_client().get("/readyz")
        assert ready.status_code == 503
        assert {"database": True, "alert_database": False}.items() <= ready.json["checks"].items()

    assert send(utm, [line(1, at=at)]).json["stored"] == 1
    assert operator.get(f"/customers/{utm.customer_id}/alerts/").status_code == 200
    assert app.test_client().get("/readyz").json["checks"]["alert_migrations"] is True


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(("state", "unavailable"), [("08006", True), ("P0001", False)])
def test_the_alerts_are_unavailable_when_citus_cannot_reach_a_worker(utm, state, unavailable):
    with tenant_session(utm.tenant_id) as session, pytest.raises(DBAPIError) as raised:
        alert_connection(session).exec_driver_sql(f"DO $$ BEGIN RAISE 'away' USING ERRCODE = '{state}'; END $$")

    assert getattr(raised.value, ALERTS_UNAVAILABLE, False) is unavailable


def test_the_choice_of_a_tenant_works_without_the_alerts(make, signed_in, utm, down):
    staff = signed_in(make.elevated("NEC Staff"))
    with down():
        (row,) = Page(staff.get("/tenants/").text).rows
        assert (row["重要アラート数"], row["オフラインのUTM"]) == ("–", "0")


def test_pages_with_numbers_of_alerts_work_without_the_alerts(make, signed_in, operator, utm, down):
    staff = signed_in(make.elevated("NEC Staff"))
    utm.last_seen_at = clock.utc_now()
    make.session.commit()
    with down():
        overview = Page(operator.get(f"/customers/{utm.customer_id}").text).main.text
        security = Page(operator.get(f"/customers/{utm.customer_id}/security?sort=alert_count").text)
        fleet = Page(operator.get("/utms/?sort=alert_count").text)
        everywhere = Page(staff.get("/staff/utms/").text)
        file = operator.get("/utms/?csv=1")

    assert "重要アラート（31日間） -" in " ".join(overview.split())
    assert "現在アラートを利用できません" in security.main.text
    assert "検出された脅威はありません" not in security.main.text
    assert [page.rows[0]["アラート数"] for page in (security, fleet, everywhere)] == ["-"] * 3
    assert file.text.splitlines()[1].endswith(",")


def test_the_overview_of_all_tenants_works_without_the_alerts(make, signed_in, utm, down):
    staff = signed_in(make.elevated("NEC Staff"))
    with down():
        page = Page(staff.get("/staff/overview/?sort=alerts").text)
    assert [row["重要アラート数"] for row in page.rows] == ["–"]


def test_the_dashboard_works_without_the_alerts(operator, down):
    with down():
        page = operator.get("/")
    assert page.status_code == 200
    assert "現在アラートを利用できません" in page.text


@pytest.mark.usefixtures("context")
def test_row_level_security_holds_in_the_database_of_the_alerts(app, make, utm, send):
    send(utm, [line(1, at=clock.utc_now(), alert_severity="high")])
    other = make.tenant()
    count = text("SELECT (SELECT count(*) FROM alert) + (SELECT count(*) FROM alert_daily)")

    with db.engines[ALERTS].connect() as connection:
        assert connection.scalar(count) == 0
    with tenant_session(other.id) as session:
        assert alert_connection(session).scalar(count) == 0
        assert session.scalars(select(Alert)).all() == []
    with tenant_session(utm.tenant_id) as session:
        assert alert_connection(session).scalar(count) == 2
        assert len(session.scalars(select(Alert)).all()) == 1
    with all_tenants("a test") as session:
        assert alert_connection(session).scalar(count) == 2


@pytest.mark.usefixtures("context")
def test_rows_of_the_alerts_are_not_written_to_the_main_database_by_mistake(utm):
    with tenant_session(utm.tenant_id) as session:
        session.add(AlertMailDue(utm_id=utm.id, occurred_at=NOW, alert_id="1"))
        with pytest.raises(ScopeError, match="write it with a statement"):
            session.flush()
    with tenant_session(utm.tenant_id) as session, pytest.raises(LookupError, match="different databases"):
        session.execute(select(Alert.alert_id).join(Utm, Utm.id == Alert.utm_id))


def test_processes_of_the_previous_version_can_still_count(utm, main_database):
    """During an upgrade, they name the keys before migration 0043."""
    main_database.execute("BEGIN")
    for _ in range(2):
        main_database.execute(
            "INSERT INTO alert_daily (tenant_id, customer_id, utm_id, day, function, level, count)"
            " VALUES (%s, %s, %s, '2026-11-01', 'ips', 'low', 4)"
            " ON CONFLICT (utm_id, day, function, level) DO UPDATE SET count = alert_daily.count + excluded.count",
            [utm.tenant_id, utm.customer_id, utm.id],
        )
        main_database.execute(
            "INSERT INTO threat_stat (tenant_id, customer_id, utm_id, hour, function, category, count, received_at)"
            " VALUES (%s, %s, %s, '2026-11-01', 'ips', 'a', 4, now())"
            " ON CONFLICT (utm_id, hour, function, category) DO UPDATE SET count = excluded.count",
            [utm.tenant_id, utm.customer_id, utm.id],
        )
    counts = main_database.execute("SELECT (SELECT sum(count) FROM alert_daily), (SELECT sum(count) FROM threat_stat)")

    assert counts.fetchone() == (8, 4)
    main_database.execute("ROLLBACK")


COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relname = ANY(%s) ORDER BY 1, 2
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid::regclass::text = ANY(%s) AND contype <> 'n' ORDER BY 1, 2
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) ORDER BY 1, 2"
POLICIES = """
SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies WHERE tablename = ANY(%s)
ORDER BY 1, 2
"""
RIGHTS = "SELECT relname, relacl::text[] FROM pg_class WHERE relname = ANY(%s) ORDER BY 1"
FUNCTIONS = """
SELECT proname, prosrc, proacl::text[] FROM pg_proc
WHERE proname LIKE '%%_alert_partition' AND %s::text[] IS NOT NULL ORDER BY 1
"""


WITHOUT_CITUS = pytest.mark.skipif(
    bool(os.environ.get("CITUS_URL")),
    reason="its policies have no sub-select, and it has no indexes of a previous version",
)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "query",
    [
        COLUMNS,
        CONSTRAINTS,
        pytest.param(INDEXES, marks=WITHOUT_CITUS),
        pytest.param(POLICIES, marks=WITHOUT_CITUS),
        RIGHTS,
        FUNCTIONS,
    ],
    ids=["columns", "constraints", "indexes", "policies", "rights", "functions"],
)
def test_the_tables_are_the_same_in_both_databases(alert_database, main_database, query):
    """A migration of one of these tables is needed in ``migrations/`` and in ``migrations/alerts/``."""
    tables = [table.name for table in db.metadata.sorted_tables if table.info.get("database") == ALERTS]
    assert len(tables) == 7

    ours, main = (
        connection.execute(query, [[*tables, "alert_seq"]]).fetchall() for connection in (alert_database, main_database)
    )

    assert ours == main
