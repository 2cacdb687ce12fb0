"""Renew and expire contracts every night and issue monthly invoices."""

from __future__ import annotations

from functools import partial

from jobs.each_tenant import in_each_tenant
from jobs.job import job
from models import clock
from models.actor import SYSTEM
from models.contracts import ending, invoicing
from models.errors import N_
from models.operations.schedule import Entry, daily, monthly

SCHEDULE = (
    Entry("contract-terms", N_("Renew and expire contracts"), "jobs.contracts.renew_and_expire", daily(0, 10)),
    Entry("invoices", N_("Issue the invoices of last month"), "jobs.contracts.issue_invoices", monthly(1, 0)),
)


@job(entry="contract-terms")
def renew_and_expire() -> None:
    """Renew or expire the contracts whose term has ended, and update the status of the customers.

    It catches up on nights in which it did not run.
    """
    today = clock.tokyo_day(clock.utc_now())
    in_each_tenant(partial(ending.renew_and_expire, today=today, by=SYSTEM))


@job(entry="invoices")
def issue_invoices() -> None:
    """Issue the invoices of last month, and those of earlier months that were missed."""
    today = clock.tokyo_day(clock.utc_now())
    in_each_tenant(partial(invoicing.issue_missing, today=today, by=SYSTEM))
