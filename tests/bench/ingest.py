"""Alerts through the device API in bodies of 10,000 lines, against one COPY of the same rows past everything."""

from __future__ import annotations

import gzip
import json
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection

import psycopg
from psycopg import sql

from app.demo import alerts
from models import clock
from models.alerts import line as alert_line
from models.tokens import hash_token
from tests.bench.finding import Finding
from tests.bench.places import Place
from tests.bench.timing import in_turn, middle
from tests.bench.web import gunicorn

TITLE = "Alerts through the device API, rows per second"
ABOUT = (
    "One body after the other over one connection to gunicorn: checked line by line, stored once however often it is sent,"
    " counted. Compared with one COPY of the same rows by the owner into an empty table of the same columns, indexes and"
    " partitions."
)
RUNS = 7
LINES = 10_000
SHARE = 0.2
UTM = "02005e2fffff"
_RETENTION_MONTHS = 13
_ROW = ", ".join(("tenant_id", "customer_id", "utm_id", *alert_line.COLUMNS))


def measure(place: Place, *, runs: int = RUNS, lines: int = LINES) -> list[Finding]:
    """Send bodies and copy rows in turn.

    :param lines: how many a body has.
    """
    with place.owner() as owner, _sender(owner, place) as (sender, token), gunicorn(place, "portal") as web:
        _make_table(owner)
        bodies = _Bodies(lines)
        connection = web.connect()
        ways = [
            partial(_send, connection, token, bodies, packed=False),
            partial(_send, connection, token, bodies, packed=True),
            partial(_copy, owner, sender, bodies),
        ]
        plain, packed, copied = (lines / middle(each) for each in in_turn(runs, *ways))
        connection.close()
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
    """Bodies that differ only in their alert IDs, dated in the oldest month that is taken."""

    def __init__(self, lines: int) -> None:
        now = datetime.now(UTC)
        pick = random.Random(0)
        made = alerts.lines(pick, lines, now=now, until=now)
        start = clock.day_start(clock.months_before(clock.tokyo_day(now), _RETENTION_MONTHS))
        step = timedelta(days=27) / lines
        self._lines = [
            json.loads(line) | {"time": (start + number * step).isoformat()} for number, line in enumerate(made)
        ]
        self._made = 0

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
def _sender(owner: psycopg.Connection, place: Place) -> Iterator[tuple[tuple[str, str, int], str]]:
    """A UTM of another customer than the one whose lists are measured, and its token; gone afterwards with its alerts."""
    _clean(owner)
    token = f"utm_{secrets.token_hex(32)}"
    tenant_id, customer_id, key = owner.execute(
        "INSERT INTO utm (tenant_id, customer_id, utm_id, serial, name, postcode, address, delivery_status)"
        " SELECT tenant_id, customer_id, %s, 'MIMAMORI-BENCH-INGEST', name, postcode, address, delivery_status FROM utm"
        " WHERE tenant_id = %s AND customer_id <> %s ORDER BY id LIMIT 1 RETURNING tenant_id, customer_id, id",
        [UTM, place.tenant_id, place.customer_id],
    ).fetchone()
    owner.execute(
        "INSERT INTO device_token (tenant_id, utm_id, token_hash) VALUES (%s, %s, %s)",
        [tenant_id, key, hash_token(token)],
    )
    try:
        yield (tenant_id, customer_id, key), token
    finally:
        _clean(owner)


def _clean(owner: psycopg.Connection) -> None:
    """Leave nothing of this run or of one that was stopped."""
    owner.execute("DROP TABLE IF EXISTS bench_copy")
    row = owner.execute("SELECT id FROM utm WHERE utm_id = %s", [UTM]).fetchone()
    if row is None:
        return
    for table, column in (("alert", "utm_id"), ("alert_daily", "utm_id"), ("device_token", "utm_id"), ("utm", "id")):
        owner.execute(
            sql.SQL("DELETE FROM {} WHERE {} = %s").format(sql.Identifier(table), sql.Identifier(column)), row
        )
    owner.execute("VACUUM (ANALYZE) alert")


def _make_table(owner: psycopg.Connection) -> None:
    """An empty table like the one of the alerts, with the partition the bodies go to."""
    month = clock.months_before(clock.tokyo_day(datetime.now(UTC)), _RETENTION_MONTHS)
    owner.execute("CREATE TABLE bench_copy (LIKE alert INCLUDING ALL) PARTITION BY RANGE (occurred_at)")
    owner.execute(
        sql.SQL("CREATE TABLE bench_copy_month PARTITION OF bench_copy FOR VALUES FROM ({}) TO ({})").format(
            clock.day_start(month), clock.day_start(clock.next_month(month))
        )
    )
