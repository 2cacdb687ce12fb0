"""Alerts through the device API in bodies of 10,000 lines, against one COPY of the same rows past everything."""

from __future__ import annotations

import gzip
import json
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.client import HTTPConnection

import psycopg
from psycopg import sql

from app.demo import alerts
from models import clock
from models.alerts import line as alert_line
from models.tokens import hash_token
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding
from tests.bench.timing import alternate, middle
from tests.bench.web import gunicorn

TITLE = "Alerts through the device API, rows per second"
ABOUT = (
    "One body after the other over one connection to gunicorn: checked line by line, stored once however often it is sent,"
    " counted by day and for the average of the companies, and noted for mails if they are High. Compared with one COPY of"
    " the same rows by the owner into an empty table of the same columns, indexes and partitions."
)
RUNS = 7
LINES = 10_000
SHARE = 0.3
UTM = "02005e2fffff"
_SPREAD = timedelta(hours=20)
"""The time the alerts of a body are spread over: they are new enough for a mail."""

_TENANT = "性能測定送信テナント"
_CUSTOMER = """
INSERT INTO customer (
    tenant_id, name, search_name, status, contact_last_name, contact_first_name, contact_email, contact_phone, postcode,
    prefecture, address
)
SELECT %(tenant)s, name, search_name, status, contact_last_name, contact_first_name, contact_email, contact_phone, postcode,
    prefecture, address
FROM customer WHERE id = %(of)s
RETURNING id
"""
_UTM = """
INSERT INTO utm (tenant_id, customer_id, utm_id, serial, name, postcode, address, delivery_status)
SELECT %(tenant)s, %(customer)s, %(utm)s, 'MIMAMORI-BENCH-INGEST', name, postcode, address, delivery_status
FROM utm WHERE customer_id = %(of)s LIMIT 1
RETURNING id
"""
_OF_TENANT = (
    *("alert_daily", "alert_mail_due", "comparison_count", "comparison_participant"),
    *("mail_message", "device_token", "utm", "customer"),
)
"""What a sender leaves, in the order of the foreign keys."""
_ROW = ", ".join(("tenant_id", "customer_id", "utm_id", *alert_line.COLUMNS))


def measure(dataset: Dataset, *, runs: int = RUNS, lines: int = LINES) -> list[Finding]:
    """Send bodies and copy rows in turn.

    :param lines: how many a body has.
    """
    with dataset.owner() as owner, _sender(owner, dataset) as (sender, token), gunicorn(dataset, "portal") as web:
        bodies = _Bodies(lines)
        _make_table(owner, bodies.months)
        connection = web.connect()
        ways = [
            partial(_send, connection, token, bodies, packed=False),
            partial(_send, connection, token, bodies, packed=True),
            partial(_copy, owner, sender, bodies),
        ]
        plain, packed, copied = (lines / middle(each) for each in alternate(runs, *ways))
        connection.close()
        _check_counted(owner, sender[0])
    return [
        Finding(
            name,
            {"portal": f"{rate:,.0f}/s", "COPY": f"{copied:,.0f}/s", "of it": f"{rate / copied:.2f}"},
            f"at least {SHARE:.2f}",
            rate / copied >= SHARE,
        )
        for name, rate in ((f"{lines:,} lines, plain", plain), (f"{lines:,} lines, gzip", packed))
    ]


class _Bodies:
    """Bodies that differ only in their alert IDs."""

    def __init__(self, lines: int) -> None:
        now = datetime.now(UTC)
        pick = random.Random(0)
        made = alerts.lines(pick, lines, now=now, until=now)
        start, step = now - _SPREAD, _SPREAD / lines
        self._lines = [
            json.loads(line) | {"time": (start + number * step).isoformat()} for number, line in enumerate(made)
        ]
        self._lines[0]["alert_severity"] = "high"  # at least one is noted for a mail, however few lines there are
        self._made = 0
        self.months = months_of(now)

    def next(self) -> bytes:
        """One that was not there before."""
        self._made += 1
        return b"".join(
            json.dumps(line | {"alert_id": f"{self._made}-{number}"}, ensure_ascii=False).encode() + b"\n"
            for number, line in enumerate(self._lines)
        )


def _send(connection: HTTPConnection, token: str, bodies: _Bodies, *, packed: bool) -> float:
    body = bodies.next()
    sent = gzip.compress(body, 6) if packed else body
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    began = time.perf_counter()
    connection.request("POST", "/api/device/v1/alerts", sent, headers)
    answer = json.loads(connection.getresponse().read())
    took = time.perf_counter() - began
    if answer.get("stored") != body.count(b"\n"):
        raise RuntimeError(f"Not every line was stored: {answer}")
    return took


def _copy(owner: psycopg.Connection, sender: tuple[str, str, int], bodies: _Bodies) -> float:
    """Copy a body's rows, which are put into COPY's format before."""
    now = datetime.now(UTC)
    with owner.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE arranged AS SELECT {_ROW} FROM alert WITH NO DATA")
        with cursor.copy(f"COPY arranged ({_ROW}) FROM STDIN") as copy:
            for line in bodies.next().splitlines():
                row = alert_line.parse(line, oldest=now - timedelta(days=1000), newest=now)
                copy.write_row((*sender, *row))
        with cursor.copy(f"COPY arranged ({_ROW}) TO STDOUT") as copy:
            rows = b"".join(copy)
        cursor.execute("DROP TABLE arranged")
        began = time.perf_counter()
        with cursor.copy(f"COPY bench_copy ({_ROW}) FROM STDIN") as copy:
            copy.write(rows)
        return time.perf_counter() - began


@contextmanager
def _sender(owner: psycopg.Connection, dataset: Dataset) -> Iterator[tuple[tuple[str, str, int], str]]:
    """A UTM of a compared company of a tenant of its own, and its token; gone afterwards with its alerts and counts."""
    _clean(owner)
    token = f"utm_{secrets.token_hex(32)}"
    (tenant_id,) = owner.execute("INSERT INTO tenant (name) VALUES (%s) RETURNING id", [_TENANT]).fetchone()
    values = {"tenant": tenant_id, "of": dataset.customer_id, "utm": UTM}
    (customer_id,) = owner.execute(_CUSTOMER, values).fetchone()
    (key,) = owner.execute(_UTM, values | {"customer": customer_id}).fetchone()
    owner.execute(
        "INSERT INTO device_token (tenant_id, utm_id, token_hash) VALUES (%s, %s, %s)",
        [tenant_id, key, hash_token(token)],
    )
    for month in months_of(datetime.now(UTC)):
        owner.execute("INSERT INTO comparison_participant VALUES (%s, %s, %s)", [tenant_id, customer_id, month])
    try:
        yield (tenant_id, customer_id, key), token
    finally:
        _clean(owner)


def _clean(owner: psycopg.Connection) -> None:
    """Leave nothing of this run or of one that was stopped."""
    owner.execute("DROP TABLE IF EXISTS bench_copy")
    row = owner.execute("SELECT id FROM tenant WHERE name = %s", [_TENANT]).fetchone()
    if row is None:
        return
    utm = owner.execute("SELECT id FROM utm WHERE utm_id = %s", [UTM]).fetchone()
    if utm is not None:  # the alerts have an index that starts with the UTM, none with the tenant alone
        owner.execute("DELETE FROM alert WHERE utm_id = %s", utm)
    for table in _OF_TENANT:
        owner.execute(sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)), row)
    owner.execute("DELETE FROM tenant WHERE id = %s", row)
    owner.execute("VACUUM (ANALYZE) alert")


def months_of(now: datetime) -> list[date]:
    """Return the months in which a body has alerts: one, or two right after a month has begun."""
    return sorted({clock.month_start(clock.tokyo_day(each)) for each in (now - _SPREAD, now)})


def _make_table(owner: psycopg.Connection, months: list[date]) -> None:
    """An empty table like the one of the alerts, with the partitions the bodies go to."""
    owner.execute("CREATE TABLE bench_copy (LIKE alert INCLUDING ALL) PARTITION BY RANGE (occurred_at)")
    for month in months:
        owner.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF bench_copy FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(f"bench_copy_{month:%Y%m}"),
                clock.day_start(month),
                clock.day_start(clock.next_month(month)),
            )
        )


def _check_counted(owner: psycopg.Connection, tenant_id: str) -> None:
    """Refuse figures of alerts that were stored without their counts and notes."""
    for table in ("alert_daily", "comparison_count", "alert_mail_due"):
        counted = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table))
        if owner.execute(counted, [tenant_id]).fetchone() == (0,):
            raise RuntimeError(f"Nothing was written to {table}.")
