"""A process that reads the numbers of charts: ``python -m tests.bench.chart_run``.

For each line of input, a JSON object with ``screen``, ``unit`` and ``day``, it answers a JSON line: how long reading took,
and the sum of the numbers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import date

from sqlalchemy.orm import Session

from app import create_app
from models.reports.averages import compare
from models.reports.span import Span
from models.reports.threats import threat_report
from models.reports.utms import alerts_by_utm
from models.scope import all_tenants, own_tenant_id, tenant_session


def main() -> None:
    """Answer each line."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    app = create_app()
    with app.app_context():
        for line in sys.stdin:
            print(json.dumps(_run(**json.loads(line))), file=answers, flush=True)


def _run(screen: str, unit: str, day: str) -> dict[str, float]:
    of = date.fromisoformat(day)
    span = Span.of_day(of) if unit == "day" else Span.of_month(of, latest=of)
    with tenant_session(os.environ["BENCH_TENANT"]) as session:
        session.connection()  # a page has read its user by then
        began = time.perf_counter()
        total = _READ[screen](session, os.environ["STOCK_CUSTOMER"], span)
        return {"ms": (time.perf_counter() - began) * 1000, "total": total}


def _threats(session: Session, customer_id: str, span: Span) -> float:
    report = threat_report(session, customer_id, span)
    return sum(each.total + sum(count for _, count in each.categories) for each in report.functions.values())


def _average(session: Session, customer_id: str, span: Span) -> float:
    with all_tenants("the average of all companies") as everything:
        found = compare(everything, own_tenant_id(session), customer_id, span)
    return sum(map(sum, found.own.values())) + sum(map(sum, found.average.values()))


def _utms(session: Session, customer_id: str, span: Span) -> float:
    return sum(utm.total for utm in alerts_by_utm(session, customer_id, span))


_READ = {"threats": _threats, "average": _average, "utms": _utms}


if __name__ == "__main__":
    main()
