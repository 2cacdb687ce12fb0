"""The business of the benchmark tenants: invoices, applications, portal users, tickets and monthly reports.

Invoices and the newest reports are issued by the same statements as in operation, month by month. The rest is inserted
directly, without the rules and the audit log, because nobody created it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo import bench_applications, bench_reports, bench_tickets
from app.demo.bench_context import BenchContext, context_of
from app.demo.bench_customers import Part
from app.demo.context import as_tenant
from models import clock
from models.accounts.user import User
from models.actor import COMMAND_LINE
from models.contracts import invoicing
from models.tenants.tenant import Tenant

MONTHS = 12
"""The number of months with invoices and reports, up to and including last month."""

TABLES = (
    *("invoice", "invoice_line", "correction", "monthly_report", "portal_user"),
    *("application_field", "service_application", "service_delivery", "application_answer", "application_user"),
    *("customer_answer", "utm_application", "utm_delivery"),
    *("ticket", "ticket_message", "ticket_file", "ticket_file_content"),
)
"""The tables that are filled."""

# Of the newest invoices about 60% are paid, of older ones 98%; a payment takes 3 to 28 days.
_PAY = text("""
UPDATE invoice SET paid_on = least(issued_on + 3 + chance.days, CAST(:today AS date))
FROM (SELECT invoice.id, ((hashtextextended(customer.name || invoice.month, 1) & 1023) % 26)::int AS days,
             hashtextextended(customer.name || invoice.month, 2) & 1023 AS place
      FROM invoice JOIN customer ON customer.id = invoice.customer_id) AS chance
WHERE chance.id = invoice.id AND paid_on IS NULL
  AND place < CASE WHEN invoice.month = :newest THEN 614 ELSE 1004 END
""")
# An apology for some customers, which lowers the invoice of three months ago.
_CORRECT = text("""
INSERT INTO correction (tenant_id, customer_id, amount, reason, created_at)
SELECT tenant_id, id, -1000, 'サービス停止のお詫び', :at FROM customer
WHERE hashtextextended(name, 3) & 15 = 0
""")
_CORRECTED = 3


def make(session: Session, tenants: Sequence[Tenant], part: Part, now: datetime, *, author: User | None) -> None:
    """Give the customers of a part their business.

    :param session: a cross-tenant session; the caller commits.
    :param tenants: the tenants of the part.
    :param author: who writes the tickets; None if the tenants have no accounts.
    """
    tenant_ids = [tenant.id for tenant in tenants]
    context = context_of(session, part, tenant_ids, now=now)
    bench_applications.make(context)
    bench_tickets.make(context, author)
    # Last, because this expires all objects of the session.
    for tenant_id in tenant_ids:
        _issue(context, tenant_id)


def _issue(context: BenchContext, tenant_id: str) -> None:
    """Issue a tenant's invoices month by month, as if each was issued on the first day of the next month."""
    with as_tenant(context.session, tenant_id) as session:
        for number in range(MONTHS, 0, -1):
            month = clock.months_before(context.today, number)
            issued_on = clock.next_month(month)
            if number == _CORRECTED:
                session.execute(_CORRECT, {"at": clock.day_start(issued_on) - timedelta(days=9)})
            invoicing.issue(session, month, today=issued_on, by=COMMAND_LINE)
        session.execute(_PAY, {"today": context.today, "newest": clock.months_before(context.today, 1)})
        invoicing.refresh_balances(session)
        bench_reports.make(session, tenant_id, context.today, months=MONTHS)
