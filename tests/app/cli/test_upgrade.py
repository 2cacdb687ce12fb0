"""What an upgrade does besides migrating."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.engine import make_url

from app.cli.upgrade import _vacuum_rewritten
from app.database import role_settings

ROWS = """
INSERT INTO alert (tenant_id, customer_id, utm_id, occurred_at, alert_id, function, action, level)
SELECT %s, %s, %s, '2026-11-22 12:00+09'::timestamptz + number * interval '1 second', number, 'ips', 'pass', 'low'
FROM generate_series(1, 200) AS number
"""
VISIBLE = "SELECT relallvisible > 0 FROM pg_class WHERE relname = 'alert_202611'"


def test_a_partition_that_was_written_anew_is_vacuumed(make, service_env):
    utm = make.customer_with_utm(make.tenant())[1]
    url = make_url(service_env["DATABASE_OWNER_URL"])
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("SELECT make_alert_partition('2026-11-22')")
        connection.execute(ROWS, [utm.tenant_id, utm.customer_id, utm.id])
        connection.execute("VACUUM (FULL, ANALYZE) alert_202611")
        (before,) = connection.execute(VISIBLE).fetchone()

        _vacuum_rewritten(create_engine(url, poolclass=NullPool))

        (after,) = connection.execute(VISIBLE).fetchone()
    assert (before, after) == (False, True)


DEFAULTS = """
SELECT setconfig FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
WHERE datname = %s AND setrole = 'portal_app'::regrole
"""


def defaults(url, database) -> list[str]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        row = connection.execute(DEFAULTS, [database]).fetchone()
    return row[0] if row else []


def test_an_upgrade_makes_the_settings_of_connections_the_defaults_of_the_apps_role(servers):
    assert sorted(defaults(servers["superuser"], "portal")) == [
        "idle_in_transaction_session_timeout=300s",
        "random_page_cost=1.1",
        "statement_timeout=30s",
    ]


@pytest.fixture
def apps_engine(service_env):
    engine = create_engine(service_env["DATABASE_URL"], poolclass=NullPool)
    yield engine
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER ROLE CURRENT_USER IN DATABASE {engine.url.database} RESET ALL")


def write(engine, settings) -> None:
    with engine.begin() as connection:
        role_settings.write(connection, settings)


def test_upgrades_of_several_hosts_at_once_agree_on_the_defaults(apps_engine, service_env):
    settings = {"statement_timeout": "7s", "random_page_cost": "1.1"}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, [apps_engine] * 8, [settings] * 8))

    found = defaults(service_env["SUPERUSER_URL"], apps_engine.url.database)
    assert sorted(found) == ["random_page_cost=1.1", "statement_timeout=7s"]
    with apps_engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "7s"


def test_defaults_that_are_right_are_not_written_again(apps_engine):
    write(apps_engine, {"statement_timeout": "7s"})
    statements = []
    event.listen(apps_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    write(apps_engine, {"statement_timeout": "7s"})
    assert not [each for each in statements if "ALTER" in each]
    write(apps_engine, {"statement_timeout": "8s"})
    assert len([each for each in statements if "ALTER" in each]) == 1
