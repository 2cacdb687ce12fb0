"""Issue the demo's invoices for the last months, and record most of them as paid."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.context import DemoContext, as_tenant
from models import audit, clock
from models.actor import COMMAND_LINE
from models.contracts import invoicing
from models.contracts.invoice import Invoice
from models.customers.customer import Customer

MONTHS = 6
"""The number of invoiced months, up to and including last month."""

_PAID = 0.9
_PAID_AT_ONCE = 0.6
_APOLOGY = "サービス停止のお詫び"
_SEED = 20_261_130


def make_invoices(context: DemoContext, tenant_id: str) -> None:
    """Issue a tenant's invoices month by month, record payments, and leave a correction for the next invoice."""
    months = [clock.months_before(context.today, number) for number in range(MONTHS, 0, -1)]
    with as_tenant(context.session, tenant_id) as session:
        for month in months:
            invoicing.issue(session, month, today=clock.next_month(month), by=COMMAND_LINE)
        _pay(context, session)
        owing = session.scalars(select(Customer).where(Customer.balance > 0).order_by(Customer.id).limit(1)).one()
        invoicing.correct(session, owing, {"amount": Decimal(-1_000), "reason": _APOLOGY}, by=COMMAND_LINE)


def _pay(context: DemoContext, session: Session) -> None:
    """Record payments for nearly all older invoices and for many of the newest ones, but not for the newest of all."""
    # Its own random numbers: how many numbers the alerts take depends on the weekday.
    pick, today = random.Random(_SEED), context.today  # nosec B311  # noqa: S311  (demo data, nothing secret)
    newest = clock.months_before(today, 1)
    unpaid = select(Invoice).where(Invoice.paid_on.is_(None)).order_by(Invoice.month, Invoice.customer_id.desc())
    *invoices, _owed = session.scalars(unpaid)
    for invoice in invoices:
        if pick.random() < (_PAID_AT_ONCE if invoice.month == newest else _PAID):
            invoice.paid_on = min(today, invoice.issued_on + timedelta(days=pick.randint(3, 28)))
            audit.record(session, "invoice.paid", invoice, by=COMMAND_LINE)
    invoicing.refresh_balances(session)
