"""What the hash chain of the audit log costs when many write at once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import psycopg

from config import ROOT
from tests.bench.audit_run import WRITERS
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle

TITLE = "Audited changes with and without the hash chain"
ABOUT = (
    "16 writers at once, in four processes, change customers of one tenant by the rule of the screen, each change in a"
    " transaction of its own with its audit entry; with the trigger that chains the entries and, in turn, without it."
    " Medians, of the ratio too."
)
RUNS = 9
PROCESSES = 4
CHANGES = 25
SLOWER = 1.5
_TRIGGER = "ALTER TABLE audit_entry {} TRIGGER chain_audit_entries"


def measure(dataset: Dataset, *, runs: int = RUNS, changes: int = CHANGES, processes: int = PROCESSES) -> list[Finding]:
    """Change in turn with and without the chain.

    :param changes: of each writer in a round.
    """
    with dataset.owner() as owner, _runners(dataset, processes) as run:
        try:
            chained, plain = alternate(
                runs, partial(_round, owner, run, changes, "ENABLE"), partial(_round, owner, run, changes, "DISABLE")
            )
        finally:
            owner.execute(_TRIGGER.format("ENABLE"))
            # Entries without a link would be found by the verification of the log.
            owner.execute(
                "DELETE FROM audit_entry WHERE tenant_id = %s"
                " AND NOT EXISTS (SELECT FROM audit_link WHERE entry_id = audit_entry.id)",
                [dataset.tenant_id],
            )
    ratio = middle([mine / other for mine, other in zip(chained, plain, strict=True)])
    figures = {"chained": f"{middle(chained):.0f} ms", "plain": f"{middle(plain):.0f} ms", "ratio": times(ratio)}
    return [Finding(f"{processes * WRITERS * changes} changes", figures, f"at most {times(SLOWER)}", ratio <= SLOWER)]


def _round(owner: psycopg.Connection, run: Callable[[int], float], changes: int, trigger: str) -> float:
    owner.execute(_TRIGGER.format(trigger))
    return run(changes)


@contextmanager
def _runners(dataset: Dataset, number: int) -> Iterator[Callable[[int], float]]:
    """Start the processes of ``tests.bench.audit_run``: how many milliseconds so many changes of each writer take."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(dataset, each)) for each in range(number)]

        def run(changes: int) -> float:
            began = time.perf_counter()
            for process in processes:
                process.stdin.write(f"{changes}\n")
                process.stdin.flush()
            if not all(process.stdout.readline() for process in processes):
                raise RuntimeError("The changes failed; what they wrote is above.")
            return (time.perf_counter() - began) * 1000

        yield run


@contextmanager
def _process(dataset: Dataset, number: int) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.audit_run", str(number)],
        cwd=ROOT,
        env=dict(dataset.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
