"""What an upgrade does besides migrating."""

from __future__ import annotations

import psycopg
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import make_url

from app.cli.upgrade import _vacuum_rewritten

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
