"""Renew and expire contracts every night, issue monthly invoices, and refresh the income figures of the dashboard."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from rq.timeouts import BaseTimeoutException
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.job import describe, job
from models import clock
from models.actor import SYSTEM
from models.contracts import ending, income, invoicing
from models.db import db
from models.errors import N_
from models.operations.schedule import Entry, daily, every, monthly
from models.scope import tenant_session
from models.tenants.tenant import Tenant

log = logging.getLogger("portal.job")

SCHEDULE = (
    Entry("contract-terms", N_("Renew and expire contracts"), "jobs.contracts.renew_and_expire", daily(0, 10)),
    Entry("invoices", N_("Issue the invoices of last month"), "jobs.contracts.issue_invoices", monthly(1, 0)),
    Entry("income", N_("Calculate the income of the dashboard"), "jobs.contracts.refresh_income", every(60)),
)


@job(entry="contract-terms")
def renew_and_expire() -> None:
    """Renew or expire the contracts whose term has ended, and update the status of the customers.

    It catches up on nights in which it did not run.
    """
    today = clock.tokyo_day(clock.utc_now())
    _in_each_tenant(partial(ending.renew_and_expire, today=today, by=SYSTEM))


@job(entry="invoices")
def issue_invoices() -> None:
    """Issue the invoices of last month, and those of earlier months that were missed."""
    today = clock.tokyo_day(clock.utc_now())
    _in_each_tenant(partial(invoicing.issue_missing, today=today, by=SYSTEM))


@job(entry="income")
def refresh_income() -> None:
    """Calculate the income of each tenant for its dashboard (§5.1 (1))."""
    _in_each_tenant(partial(income.refresh, now=clock.utc_now()))


def _in_each_tenant(step: Callable[[Session], object]) -> None:
    """Run a step in a separate transaction for each tenant. A failure in one tenant does not affect the others.

    :raises Exception: the first error, raised after all tenants have been processed.
    """
    with Session(db.engine) as session:
        tenant_ids = session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
    problems: list[Exception] = []
    for tenant_id in tenant_ids:
        try:
            with tenant_session(tenant_id) as session:
                step(session)
                session.commit()
        except BaseTimeoutException:
            # The whole job has timed out. The next run does the rest.
            raise
        except Exception as problem:  # noqa: BLE001  (the other tenants do not depend on this one)
            log.error("job failed for a tenant", extra={"tenant": tenant_id, "error": describe(problem)})  # noqa: TRY400  (the message may quote data)
            problems.append(problem)
    if problems:
        raise problems[0]
