"""Run and undo imports of customers.

``run_waiting`` is enqueued after the commit that starts an import, and once a minute by the schedule. Each batch of rows
is one transaction (``models.imports.processing``), so any number of workers may run it without losing or repeating a row.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jobs import queues
from jobs.job import job
from models import clock
from models.errors import N_
from models.imports import processing, rules
from models.operations.schedule import Entry, every
from models.scope import all_tenants, tenant_session

BUDGET = 45.0
"""Seconds after which a run leaves the rest to the next one; far below ``queues.JOB_TIMEOUT``."""

SCHEDULE = (Entry("imports", N_("Run waiting imports"), "jobs.imports.sweep", every(1), queue="default"),)


@job(quiet=True)
def run_waiting() -> None:
    """Run or undo the imports of all tenants."""
    _work()


@job(entry="imports", quiet=True)
def sweep() -> None:
    """Delete old imports, and run those whose signal was lost or whose worker died. Runs once a minute."""
    with all_tenants("retention is the same for every tenant") as session:
        rules.remove_old(session, now=clock.utc_now())
        session.commit()
    _work()


def _work() -> None:
    begun = time.monotonic()
    with all_tenants("the imports of every tenant are run by the same job") as session:
        tenant_ids = processing.tenants_with_work(session)
    for tenant_id in tenant_ids:
        more = True
        while more:
            if time.monotonic() - begun > BUDGET:
                queues.enqueue(queues.DEFAULT, "jobs.imports.run_waiting")
                return
            with _no_collection(), tenant_session(tenant_id) as session:
                more = processing.work(session, now=clock.utc_now())
                session.commit()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the search for unreachable objects during a batch: it finds none, and takes a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
