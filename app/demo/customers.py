"""Create the demo's customers and contracts."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.demo import words
from app.demo.context import DemoContext
from app.demo.plan import PRODUCTS, CustomerPlan, customer_status
from app.demo.tenants import TenantPlan
from models import audit, clock
from models.actor import COMMAND_LINE
from models.contracts.catalogue import Product
from models.contracts.contract import Contract
from models.customers.customer import Customer, CustomerStatus
from models.tenants.tenant import Tenant

_MONTHLY = 13_200


def make_products(session: Session) -> dict[str, int]:
    """Create the missing products of the catalogue.

    :returns: the products' IDs by name.
    """
    for name, includes_utm in PRODUCTS.items():
        made = session.scalar(
            insert(Product)
            .values(name=name, includes_utm=includes_utm)
            .on_conflict_do_nothing(index_elements=["name"])
            .returning(Product.id)
        )
        if made is not None:
            after = {"name": name, "includes_utm": includes_utm}
            audit.record(session, "product.created", ("Product", made), by=COMMAND_LINE, after=after)
    return {name: key for name, key in session.execute(select(Product.name, Product.id)) if name in PRODUCTS}


def make_customers(context: DemoContext, tenant: Tenant, plan: TenantPlan, products: dict[str, int]) -> list[Customer]:
    """Create a tenant's customers with their contracts, in the order of the plan.

    :param products: the products' IDs by name.
    """
    names = words.company_names(context.pick, len(plan.customers))
    made = []
    for number, (name, each) in enumerate(zip(names, plan.customers, strict=True), 1):
        domain = f"c{number:02d}.{tenant.id.lower()}.example.jp"
        customer = _customer(context, each, each.name or name, domain)
        customer.tenant_id = tenant.id
        _write(context.session, customer, "customer.created")
        _make_contracts(context, customer, each, products)
        made.append(customer)
    return made


def _customer(context: DemoContext, plan: CustomerPlan, name: str, domain: str) -> Customer:
    pick, today = context.pick, context.today
    starts = [contract.dates(today)[0] for contract in plan.contracts]
    known_since = min(min(starts, default=today), today) - timedelta(days=pick.randint(5, 25))
    status = customer_status(plan.contracts, today)
    return Customer(
        name=name,
        status=status,
        created_at=clock.day_start(known_since) + timedelta(hours=10, minutes=pick.randrange(400)),
        **words.memos(pick),
        **words.contact(pick, domain),
        **words.place(pick),
        **_billed(pick, plan, status, today),
    )


def _billed(pick: random.Random, plan: CustomerPlan, status: CustomerStatus, today: date) -> dict[str, object]:
    """Return the balance and the date of the newest invoice. Invoices are dated the 1st, for the month before."""
    began = [
        contract.dates(today) for contract in plan.contracts if contract.dates(today)[0] < clock.month_start(today)
    ]
    if not began:
        return {}
    last_day = max(end for _, end, _ in began)
    invoiced_on = min(clock.next_month(last_day), clock.month_start(today))
    # Former customers have mostly paid; current ones often have one or two unpaid months.
    months = pick.choice((0, 0, 0, 1) if status is CustomerStatus.CANCELLED else (0, 0, 1, 1, 1, 2))
    return {"balance": Decimal(months * _MONTHLY * max(1, len(plan.utms))), "last_invoiced_on": invoiced_on}


def _make_contracts(context: DemoContext, customer: Customer, plan: CustomerPlan, products: dict[str, int]) -> None:
    today = context.today
    for each in plan.contracts:
        start_on, end_on, status = each.dates(today)
        contract = Contract(
            tenant_id=customer.tenant_id,
            customer_id=customer.id,
            product_id=products[each.product],
            start_on=start_on,
            end_on=end_on,
            status=status,
            created_at=min(clock.day_start(start_on), clock.day_start(today)) - timedelta(days=3),
        )
        _write(context.session, contract, "contract.created")


def _write(session: Session, row: Customer | Contract, action: str) -> None:
    session.add(row)
    _, after = audit.changes(row)
    session.flush()
    audit.record(session, action, row, by=COMMAND_LINE, after=after)
