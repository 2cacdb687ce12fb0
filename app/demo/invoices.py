"""Issue the demo's invoices for the last months, and record most of them as paid."""

from __future__ import annotations

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


def make_invoices(context: DemoContext, tenant_id: str) -> None:
    """Issue a tenant's invoices month by month, record payments, and leave a correction for the next invoice."""
    months = [clock.months_before(context.today, number) for number in range(MONTHS, 0, -1)]
    with as_tenant(context.session, tenant_id) as session:
        for month in months:
            invoicing.issue(session, month, today=clock.next_month(month), by=COMMAND_LINE)
        _pay(context, session)
        owing = session.scalar(select(Customer).where(Customer.balance > 0).order_by(Customer.id).limit(1))
        if owing is not None:
            invoicing.correct(session, owing, {"amount": Decimal(-1_000), "reason": _APOLOGY}, by=COMMAND_LINE)


def _pay(context: DemoContext, session: Session) -> None:
    """Record payments for nearly all older invoices and for many of the newest ones."""
    pick, today = context.pick, context.today
    newest = clock.months_before(today, 1)
    for invoice in session.scalars(select(Invoice).where(Invoice.paid_on.is_(None)).order_by(Invoice.id)):
        if pick.random() < (_PAID_AT_ONCE if invoice.month == newest else _PAID):
            invoice.paid_on = min(today, invoice.issued_on + timedelta(days=pick.randint(3, 28)))
            audit.record(session, "invoice.paid", invoice, by=COMMAND_LINE)
    invoicing.refresh_balances(session)
