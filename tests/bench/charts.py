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
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle

TITLE = "The charts of a customer with 100 UTMs"
ABOUT = (
    "What a chart screen reads for a day and for a month, with the series as it draws them, against the same sums written by"
    " hand and read by the owner, past row-level security. The customer has half a million alerts, and the statistics of"
    " ten categories an hour of each of its UTMs; 5,000 companies of 50 tenants with 10,000,000 alerts are compared."
)
RUNS = 21
SLOWER = 3.0

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


def measure(dataset: Dataset, *, runs: int = RUNS) -> list[Finding]:
    """Read the numbers of each chart in turn with the sums by hand."""
    found = []
    with dataset.owner() as owner, _runner(dataset) as run:
        for screen, unit in _BY_HAND:
            values = _values(dataset, unit)
            statements = _BY_HAND[screen, unit]
            asked = {"screen": screen, "unit": unit, "day": str(values["last"])}
            check_totals(screen, unit, run(asked)["total"], _total(owner, screen, statements, values))
            ours, theirs = alternate(
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


def _values(dataset: Dataset, unit: str) -> dict[str, Any]:
    """The values of the statements: the day before the newest alert's, or its month up to that day."""
    last = dataset.newest - timedelta(days=1)
    first = last if unit == "day" else clock.month_start(last)
    period = {"first": first, "last": last}
    period |= {"start": clock.day_start(first), "end": clock.day_start(last + timedelta(days=1))}
    return {"tenant": dataset.tenant_id, "customer": dataset.customer_id} | period


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
    (companies,) = owner.execute(
        "SELECT companies FROM comparison_month WHERE month = date_trunc('month', %(first)s::date)", values
    ).fetchone()
    return own + (everybody - own) / (companies - 1)


@contextmanager
def _runner(dataset: Dataset) -> Iterator[Callable[[dict[str, str]], dict]]:
    """Start ``tests.bench.chart_run``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.chart_run"],
        cwd=ROOT,
        env=dict(dataset.env),
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
