"""The numbers of the chart screens against the same sums written by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg

from config import ROOT
from models import clock
from tests.bench.finding import Finding, times
from tests.bench.places import Place
from tests.bench.timing import in_turn, middle

TITLE = "The charts of a customer with 100 UTMs"
ABOUT = (
    "What a chart screen reads for a day and for a month, with the series as it draws them, against the same sums written by"
    " hand and read by the owner, past row-level security. The customer has half a million alerts, and the statistics of"
    " ten categories an hour of each of its UTMs; the comparison has 50 more tenants, with half a million rows."
)
RUNS = 21
SLOWER = 3.0
TENANTS = 50
_COMPANIES = 5_000
_MONTHS = 2
"""How many months before that of the newest alert are filled, so that not every row is read."""

_POINT = "extract({unit} FROM {column} AT TIME ZONE 'Asia/Tokyo')"
_STATISTICS = "FROM threat_stat WHERE customer_id = %(customer)s AND hour >= %(start)s AND hour < %(end)s"
_RAW = "FROM alert WHERE customer_id = %(customer)s AND occurred_at >= %(start)s AND occurred_at < %(end)s"
_DAILY = "FROM alert_daily WHERE tenant_id = %(tenant)s AND customer_id = %(customer)s AND day BETWEEN %(first)s AND %(last)s"
_COUNTED = "FROM comparison_count WHERE hour = -1 AND day BETWEEN %(first)s AND %(last)s"
_HOUR = _POINT.format(unit="hour", column="occurred_at")
_BY_HAND = {
    ("threats", unit): (
        f"SELECT function, {_POINT.format(unit=point, column='hour')}, sum(count) {_STATISTICS} GROUP BY 1, 2",
        f"SELECT function, category, sum(count) {_STATISTICS} GROUP BY 1, 2 ORDER BY 3 DESC",
    )
    for unit, point in (("day", "hour"), ("month", "day"))
} | {
    ("average", "day"): (
        f"SELECT function, {_HOUR}, count(*) {_RAW} GROUP BY 1, 2",
        "SELECT function, hour, sum(count) FROM comparison_count WHERE day = %(first)s AND hour >= 0 GROUP BY 1, 2",
    ),
    ("average", "month"): (
        f"SELECT function, day, sum(count) {_DAILY} GROUP BY 1, 2",
        f"SELECT function, day, sum(count) {_COUNTED} GROUP BY 1, 2",
    ),
    ("utms", "day"): (f"SELECT utm_id, function, {_HOUR}, count(*) {_RAW} GROUP BY 1, 2, 3",),
    ("utms", "month"): (f"SELECT utm_id, function, day, sum(count) {_DAILY} GROUP BY 1, 2, 3",),
}
"""The statements for each screen and unit."""


def measure(place: Place, *, runs: int = RUNS, tenants: int = TENANTS) -> list[Finding]:
    """Read the numbers of each chart in turn with the sums by hand.

    :param tenants: how many more tenants are compared.
    """
    found = []
    with place.owner() as owner, _filled(owner, place, tenants), _runner(place) as run:
        for screen, unit in _BY_HAND:
            values = _values(place, unit)
            statements = _BY_HAND[screen, unit]
            asked = {"screen": screen, "unit": unit, "day": str(values["last"])}
            check_totals(screen, unit, run(asked)["total"], _total(owner, screen, statements, values))
            ours, theirs = in_turn(
                runs, lambda asked=asked: run(asked)["ms"], partial(_milliseconds, owner, statements, values)
            )
            found.append(_finding(f"{screen}, {unit}", ours, theirs))
    return found


def check_totals(screen: str, unit: str, ours: float, theirs: float) -> None:
    """Refuse to compare different sums."""
    if abs(ours - theirs) > 1e-6 * max(1.0, theirs):
        raise RuntimeError(f"{screen}, {unit}: the portal's numbers come to {ours}, those by hand to {theirs}.")


def _finding(name: str, ours: list[float], theirs: list[float]) -> Finding:
    ratio = middle([mine / other for mine, other in zip(ours, theirs, strict=True)])
    figures = {"portal": f"{middle(ours):.1f} ms", "by hand": f"{middle(theirs):.1f} ms", "ratio": times(ratio)}
    return Finding(name, figures, f"at most {SLOWER:g}x", ratio <= SLOWER)


def _values(place: Place, unit: str) -> dict[str, Any]:
    """The values of the statements: the day before the newest alert's, or its month up to that day."""
    last = place.newest - timedelta(days=1)
    first = last if unit == "day" else clock.month_start(last)
    period = {"first": first, "last": last}
    period |= {"start": clock.day_start(first), "end": clock.day_start(last + timedelta(days=1))}
    return {"tenant": place.tenant_id, "customer": place.customer_id} | period


def _milliseconds(owner: psycopg.Connection, statements: tuple[str, ...], values: dict[str, Any]) -> float:
    began = time.perf_counter()
    for statement in statements:
        owner.execute(statement, values).fetchall()
    return (time.perf_counter() - began) * 1000


def _total(owner: psycopg.Connection, screen: str, statements: tuple[str, ...], values: dict[str, Any]) -> float:
    sums = [sum(float(row[-1]) for row in owner.execute(each, values)) for each in statements]
    if screen != "average":
        return sum(sums)
    own, everybody = sums
    return own + (everybody - own) / (_COMPANIES - 1)


@contextmanager
def _filled(owner: psycopg.Connection, place: Place, tenants: int) -> Iterator[None]:
    """Fill the statistics and the comparison, and remove both again."""
    _remove(owner)
    this = clock.month_start(place.newest - timedelta(days=1))
    values = {"tenant": place.tenant_id, "customer": place.customer_id, "utms": place.utms, "tenants": tenants}
    values |= {"first": clock.months_before(this, _MONTHS), "last": place.newest, "companies": _COMPANIES}
    try:
        for statement in _FILL:
            owner.execute(statement, values)
        owner.execute("VACUUM (ANALYZE) threat_stat, comparison_count, comparison_participant, comparison_month")
        yield
    finally:
        _remove(owner)


_MONTH = (
    "SELECT CAST(date_trunc('month', day) AS date) FROM generate_series(%(first)s::date, %(last)s, '1 month') AS day"
)
_FILL = (
    f"INSERT INTO comparison_month (month, companies) SELECT month, %(companies)s FROM ({_MONTH}) AS each (month)",
    f"""
INSERT INTO comparison_participant (tenant_id, customer_id, month)
SELECT %(tenant)s, %(customer)s, month FROM ({_MONTH}) AS each (month)
""",
    # The customer's own numbers are among those of its tenant.
    """
INSERT INTO comparison_count (tenant_id, day, hour, function, count)
SELECT %(tenant)s, at::date, coalesce(extract(hour FROM at), -1), function, count(*)
FROM (SELECT occurred_at AT TIME ZONE 'Asia/Tokyo' AS at, function FROM alert WHERE customer_id = %(customer)s) AS each
WHERE at >= %(first)s::date
GROUP BY GROUPING SETS ((at::date, function), (at::date, extract(hour FROM at), function))
""",
    """
INSERT INTO comparison_count (tenant_id, day, hour, function, count)
SELECT 'T' || 7000000 + number, day, hour, function, (hour + 2) * number
FROM generate_series(1, %(tenants)s) AS number, generate_series(%(first)s::date, %(last)s, '1 day') AS day,
    generate_series(-1, 23) AS hour,
    unnest(ARRAY['antivirus', 'ips', 'web_guard', 'url_filter', 'app_guard']) AS function
""",
    """
INSERT INTO threat_stat (tenant_id, customer_id, utm_id, hour, function, category, count, received_at)
SELECT %(tenant)s, %(customer)s, utm, hour, function, 'category ' || number, number, now()
FROM unnest(%(utms)s::bigint[]) AS utm,
    generate_series(%(last)s::timestamptz - interval '31 days', %(last)s, '1 hour') AS hour,
    unnest(ARRAY['url_filter', 'app_guard']) AS function, generate_series(1, 5) AS number
""",
)


def _remove(owner: psycopg.Connection) -> None:
    owner.execute("TRUNCATE threat_stat, comparison_count, comparison_participant, comparison_month")


@contextmanager
def _runner(place: Place) -> Iterator[Callable[[dict[str, str]], dict]]:
    """Start ``tests.bench.chart_run``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.chart_run"],
        cwd=ROOT,
        env=dict(place.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(asked: dict[str, str]) -> dict:
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError("Reading the charts failed; what it wrote is above.")
        return json.loads(answer)

    try:
        yield run
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
