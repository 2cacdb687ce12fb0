"""The invoice run of a tenant against the bare INSERT .. SELECT of the rows that it writes, and its memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial

import psycopg

from app.demo import bench_business
from config import ROOT
from models import clock
from tests.bench import contract_rows
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle

TITLE = "Issuing the invoices of a month"
ABOUT = (
    "One tenant with 10,000 contracts in force of 5,000 customers: their charges, invoices with lines, balances and audit"
    " row in one transaction. Compared with INSERT .. SELECT of the same rows by the owner into empty tables with the"
    " same columns and indexes. Memory is what the process grows by in its first run."
)
RUNS = 7
SLOWER = 5.0
MAX_MIB = 200
_TABLES = ("invoice", "invoice_line")
_KEEP_BALANCES = (
    "CREATE TEMPORARY TABLE bench_balance AS SELECT id, balance, last_invoiced_on FROM customer WHERE tenant_id = %s"
)
_RESTORE_BALANCES = """
UPDATE customer SET balance = kept.balance, last_invoiced_on = kept.last_invoiced_on FROM bench_balance AS kept
WHERE kept.id = customer.id
  AND (customer.balance, customer.last_invoiced_on) IS DISTINCT FROM (kept.balance, kept.last_invoiced_on)
"""


def measure(dataset: Dataset, *, runs: int = RUNS, customers: int = contract_rows.CUSTOMERS) -> list[Finding]:
    """Issue and copy in turn.

    :param customers: how many of them have two contracts each.
    """
    contract_rows.fill(dataset, customers=customers)
    # The month before the oldest invoices of the data.
    month = clock.months_before(dataset.newest + timedelta(days=1), bench_business.MONTHS + 1)
    with dataset.owner() as owner, _no_invoices(owner, dataset, month), _runner(dataset) as run:
        first = run(month)
        if first["invoices"] < customers:
            raise RuntimeError(f"Only {first['invoices']} of {customers} customers have an invoice.")
        issued, copied = alternate(
            runs, partial(_issue, owner, dataset, month, run), partial(_copy, owner, dataset, month)
        )
    ratio = middle([mine / other for mine, other in zip(issued, copied, strict=True)])
    return [
        Finding(
            f"{first['invoices']:,} invoices",
            {"portal": f"{middle(issued):.0f} ms", "INSERT": f"{middle(copied):.0f} ms", "ratio": times(ratio)},
            f"at most {SLOWER:g}x",
            ratio <= SLOWER,
        ),
        Finding("memory", {"portal": f"{first['mib']:.1f} MiB"}, f"under {MAX_MIB} MiB", first["mib"] < MAX_MIB),
    ]


def _issue(owner: psycopg.Connection, dataset: Dataset, month: date, run: Callable[[date], dict]) -> float:
    _remove(owner, dataset, month)
    return run(month)["ms"]


def _copy(owner: psycopg.Connection, dataset: Dataset, month: date) -> float:
    """Copy what the last run wrote."""
    for table in _TABLES:
        owner.execute(f"DROP TABLE IF EXISTS bench_{table}")
        owner.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
    began = time.perf_counter()
    with owner.transaction():
        owner.execute(
            "INSERT INTO bench_invoice OVERRIDING SYSTEM VALUE"
            " SELECT * FROM invoice WHERE tenant_id = %s AND month = %s",
            [dataset.tenant_id, month],
        )
        owner.execute(
            "INSERT INTO bench_invoice_line OVERRIDING SYSTEM VALUE SELECT line.* FROM invoice_line AS line"
            " JOIN invoice ON invoice.id = line.invoice_id WHERE invoice.tenant_id = %s AND month = %s",
            [dataset.tenant_id, month],
        )
    return (time.perf_counter() - began) * 1000


@contextmanager
def _no_invoices(owner: psycopg.Connection, dataset: Dataset, month: date) -> Iterator[None]:
    """Leave nothing of this run or of one that was stopped."""
    _remove(owner, dataset, month)
    owner.execute(_KEEP_BALANCES, [dataset.tenant_id])
    try:
        yield
    finally:
        _remove(owner, dataset, month)
        owner.execute(_RESTORE_BALANCES)
        owner.execute("DROP TABLE bench_balance")
        for table in _TABLES:
            owner.execute(f"DROP TABLE IF EXISTS bench_{table}")


def _remove(owner: psycopg.Connection, dataset: Dataset, month: date) -> None:
    of_month = "tenant_id = %s AND month = %s"
    found = [dataset.tenant_id, month]
    owner.execute(f"DELETE FROM invoice_line WHERE invoice_id IN (SELECT id FROM invoice WHERE {of_month})", found)
    owner.execute(f"DELETE FROM invoice WHERE {of_month}", found)
    owner.execute("VACUUM (ANALYZE) invoice, invoice_line, customer")


@contextmanager
def _runner(dataset: Dataset) -> Iterator[Callable[[date], dict]]:
    """Start ``tests.bench.invoice_run``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.invoice_run"],
        cwd=ROOT,
        env=dict(dataset.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(month: date) -> dict:
        process.stdin.write(f"{month}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError("The invoice run failed; what it wrote is above.")
        return json.loads(answer)

    try:
        yield run
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
