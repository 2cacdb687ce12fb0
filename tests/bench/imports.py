"""An import of customers with contracts and UTMs, against one COPY of the rows that it writes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from config import ROOT
from models import clock
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle
from views.imports.columns import COLUMNS

TITLE = "An import of 5,000 customers with contracts and UTMs"
ABOUT = (
    "A CSV file with a new customer, contract and UTM in every row: its check (upload, all rules of all rows, storing"
    " them), its run by the job and its undo. Compared with COPY of the rows that the run wrote (customers, contracts,"
    " their lines, UTMs and three audit entries for each row) by the owner into the same tables, in one transaction."
    " In turn; medians, of the ratio too."
)
RUNS = 3
ROWS = 5_000
SLOWER = 10.0
_WRITTEN = "SELECT written FROM import_row WHERE run_id = %(run)s AND written IS NOT NULL"
# In the order of their foreign keys, with the condition of what an import wrote.
_TABLES = {
    "customer": f"id IN (SELECT written #>> '{{customer,id}}' FROM ({_WRITTEN}) AS row)",
    "contract": f"id IN (SELECT written #>> '{{contract,id}}' FROM ({_WRITTEN}) AS row)",
    "contract_line": f"contract_id IN (SELECT written #>> '{{contract,id}}' FROM ({_WRITTEN}) AS row)",
    "utm": f"id IN (SELECT (written #>> '{{utm,id}}')::bigint FROM ({_WRITTEN}) AS row)",
    "audit_entry": "tenant_id = %(tenant)s AND request_id = %(request)s",
}


def measure(dataset: Dataset, *, runs: int = RUNS, rows: int = ROWS) -> list[Finding]:
    """Import and copy in turn.

    :param rows: how many rows the file has.
    """
    with dataset.owner() as owner, tempfile.TemporaryDirectory() as folder, _importer(dataset) as ask:
        path = Path(folder) / "bench.csv"
        _write_file(owner, path, rows)
        turn = _Turn(owner, dataset, ask, path, rows)
        try:
            checked, ran, copied, undone = alternate(runs, turn.check, turn.run, turn.copy, turn.undo)
        finally:
            turn.clean()
    return [
        _finding(name, ours, copied)
        for name, ours in ((f"{rows:,} rows, run", ran), ("check", checked), ("undo", undone))
    ]


class _Turn:
    """The steps of one turn, which follow each other."""

    def __init__(
        self, owner: psycopg.Connection, dataset: Dataset, ask: Callable[..., Any], path: Path, rows: int
    ) -> None:
        self.owner, self.dataset, self.ask, self.path, self.rows = owner, dataset, ask, path, rows
        self.key = 0

    def check(self) -> float:
        """Upload the file, after deleting what the last turn left."""
        self.clean()
        answer = self.ask(check=str(self.path))
        self.key = answer["key"]
        return answer["ms"]

    def run(self) -> float:
        """Run the import."""
        took = self.ask(run=self.key)["ms"]
        self._all_are("written")
        return took

    def copy(self) -> float:
        """Replace what the run wrote by a copy of it."""
        rows = {}
        for table in _TABLES:
            with self.owner.cursor().copy(f"COPY ({self._select(table)}) TO STDOUT", self._values) as copy:
                rows[table] = b"".join(copy)
        self._delete()
        began = time.perf_counter()
        with self.owner.transaction():
            for table, data in rows.items():
                with self.owner.cursor().copy(f"COPY {table} ({self._columns(table)}) FROM STDIN") as copy:
                    copy.write(data)
        return (time.perf_counter() - began) * 1000

    def undo(self) -> float:
        """Undo the import."""
        took = self.ask(undo=self.key)["ms"]
        self._all_are("undone")
        return took

    def clean(self) -> None:
        """Delete everything of the last turn, or of a run that was stopped."""
        left = "SELECT id FROM import_run WHERE tenant_id = %s AND file_name = %s"
        for row in self.owner.execute(left, [self.dataset.tenant_id, self.path.name]).fetchall():
            (self.key,) = row
            self._delete()
            self.owner.execute("DELETE FROM import_run WHERE id = %s", [self.key])
        self.owner.execute(f"VACUUM (ANALYZE) {', '.join(_TABLES)}, import_row")

    @property
    def _values(self) -> dict[str, Any]:
        return {"run": self.key, "tenant": self.dataset.tenant_id, "request": f"import {self.key}"}

    def _select(self, table: str) -> str:
        return f"SELECT {self._columns(table)} FROM {table} WHERE {_TABLES[table]}"

    def _columns(self, table: str) -> str:
        """Return the columns that are not computed by the database."""
        found = self.owner.execute(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
            [table],
        ).fetchone()
        return found[0]

    def _delete(self) -> None:
        for table, condition in reversed(_TABLES.items()):
            self.owner.execute(f"DELETE FROM {table} WHERE {condition}", self._values)

    def _all_are(self, outcome: str) -> None:
        counted = self.owner.execute(
            "SELECT count(*) FROM import_row WHERE run_id = %s AND outcome = %s", [self.key, outcome]
        ).fetchone()[0]
        if counted != self.rows:
            raise RuntimeError(f"Only {counted} of {self.rows} rows are {outcome}.")


def _finding(name: str, ours: list[float], copied: list[float]) -> Finding:
    ratio = middle([mine / other for mine, other in zip(ours, copied, strict=True)])
    return Finding(
        name,
        {"portal": f"{middle(ours) / 1000:.2f} s", "COPY": f"{middle(copied) / 1000:.2f} s", "ratio": times(ratio)},
        f"at most {SLOWER:g}x",
        ratio <= SLOWER,
    )


def _write_file(owner: psycopg.Connection, path: Path, rows: int) -> None:
    """Write a file whose rows fill in every column but the IDs of known customers."""
    product, plan, price = owner.execute(
        "SELECT product.name, rate_plan.name, charge.unit_price FROM rate_plan"
        " JOIN product ON product.id = product_id JOIN charge ON charge.rate_plan_id = rate_plan.id"
        " WHERE includes_utm AND product.retired_at IS NULL AND rate_plan.retired_at IS NULL AND model = 'flat'"
        " ORDER BY rate_plan.id LIMIT 1"
    ).fetchone()
    start_on = clock.tokyo_day(datetime.now(UTC)).isoformat()
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([each.title for each in COLUMNS])
        for number in range(rows):
            customer = [f"取込測定{number}株式会社", "測定", f"太郎{number}", "情報システム部", "部長"]
            customer += [f"bench{number}@example.jp", "100-0001", "東京都", f"千代田区千代田{number}"]
            customer += [f"03{number:08d}", "メモ1", "メモ2", "メモ3"]
            contract = [start_on, "12", "12", product, plan, "1", str(price)]
            utm = [f"02005f{number:06x}", f"測定UTM{number}", f"MIMAMORI-IMPORT-{number:06d}", "100-0001"]
            utm += [f"東京都千代田区千代田{number}", "配送済み", *(f"to{place}@example.jp" for place in range(9))]
            table.writerow(["", *customer, *contract, *utm])


@contextmanager
def _importer(dataset: Dataset) -> Iterator[Callable[..., Any]]:
    """Start ``tests.bench.import_run``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.import_run"],
        cwd=ROOT,
        env=dict(dataset.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(**asked: Any) -> dict[str, Any]:
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError("The import failed; what it wrote is above.")
        return json.loads(answer)

    try:
        yield ask
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
