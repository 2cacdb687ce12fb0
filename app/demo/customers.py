"""Create the demo's customers."""

from __future__ import annotations

from datetime import timedelta

from app.demo import words
from app.demo.context import DemoContext
from app.demo.plan import CustomerPlan, customer_status
from app.demo.tenants import TenantPlan
from models import audit, clock
from models.actor import COMMAND_LINE
from models.customers.customer import Customer
from models.tenants.tenant import Tenant


def make_customers(context: DemoContext, tenant: Tenant, plan: TenantPlan) -> list[Customer]:
    """Create a tenant's customers in the order of the plan."""
    names = words.company_names(context.pick, len(plan.customers))
    made = []
    for number, (name, each) in enumerate(zip(names, plan.customers, strict=True), 1):
        domain = f"c{number:02d}.{tenant.id.lower()}.example.jp"
        customer = _customer(context, each, each.name or name, domain)
        customer.tenant_id = tenant.id
        context.session.add(customer)
        _, after = audit.changes(customer)
        context.session.flush()
        audit.record(context.session, "customer.created", customer, by=COMMAND_LINE, after=after)
        made.append(customer)
    return made


def make_deleted_customer(context: DemoContext, tenant: Tenant) -> None:
    """Create a customer that was deleted three days ago, which NEC staff can restore."""
    customer = _customer(context, CustomerPlan(), words.company_names(context.pick, 1)[0], "former.example.jp")
    customer.tenant_id, customer.deleted_at = tenant.id, context.now - timedelta(days=3)
    context.session.add(customer)
    context.session.flush()
    audit.record(context.session, "customer.created", customer, by=COMMAND_LINE)
    audit.record(context.session, "customer.deleted", customer, by=COMMAND_LINE)


def _customer(context: DemoContext, plan: CustomerPlan, name: str, domain: str) -> Customer:
    pick, today = context.pick, context.today
    starts = [contract.dates(today)[0] for contract in plan.contracts]
    known_since = min(min(starts, default=today), today) - timedelta(days=pick.randint(5, 25))
    return Customer(
        name=name,
        status=customer_status(plan.contracts, today),
        created_at=clock.day_start(known_since) + timedelta(hours=10, minutes=pick.randrange(400)),
        **words.memos(pick),
        **words.contact(pick, domain),
        **words.place(pick),
    )
