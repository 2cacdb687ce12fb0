"""A process that issues the invoices of a month: ``python -m tests.bench.invoice_run``.

For each line of input, a month as ``YYYY-MM-DD``, it answers a JSON line: how long the run took, how many invoices it
issued, and by how much the memory of the process grew.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import date
from pathlib import Path

from app import create_app
from models import clock
from models.actor import SYSTEM
from models.contracts import invoicing
from models.scope import tenant_session

_STATUS = Path("/proc/self/status")


def main() -> None:
    """Answer each line."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    app = create_app()
    with app.app_context():
        for line in sys.stdin:
            print(json.dumps(_run(date.fromisoformat(line.strip()))), file=answers, flush=True)


def _run(month: date) -> dict[str, float]:
    before = _mib("VmRSS")
    began = time.perf_counter()
    with tenant_session(os.environ["BENCH_TENANT"]) as session:
        invoices = invoicing.issue(session, month, today=clock.tokyo_day(clock.utc_now()), by=SYSTEM)
        session.commit()
    took = (time.perf_counter() - began) * 1000
    return {"ms": took, "invoices": invoices, "mib": max(0.0, _mib("VmHWM") - before)}


def _mib(name: str) -> float:
    """A figure of the process's memory."""
    line = next(each for each in _STATUS.read_text().splitlines() if each.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
