"""Customers, and the contracts that let them have something."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from models import clock
from models.contracts.contract import Contract, Product
from models.customers.customer import Customer
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make

CUSTOMER = {
    "name": "株式会社あおぞら製作所",
    "contact_last_name": "青空",
    "contact_first_name": "花子",
    "contact_email": "hanako@example.com",
    "contact_phone": "0312345678",
    "postcode": "100-0001",
    "prefecture": "東京都",
    "address": "千代田区一丁目1番1号",
}
"""What a customer must have."""


def customer(make: Make, *, tenant: Tenant | None = None, **values: Any) -> Customer:
    if "tenant_id" not in values:
        values["tenant_id"] = (tenant or make.tenant()).id
    return make.save(Customer(**CUSTOMER | {"name": f"{CUSTOMER['name']}{make.number()}"} | values))


def product(make: Make, **values: Any) -> Product:
    return make.save(Product(**{"name": f"見守りUTM {make.number()}型", "includes_utm": True} | values))


def contract(make: Make, *, customer_row: Customer | None = None, **values: Any) -> Contract:
    """A contract that is in force, when no dates are given."""
    of = customer_row or make.customer()
    today = clock.tokyo_day(clock.utc_now())
    defaults = {"start_on": today - timedelta(days=30), "end_on": today + timedelta(days=335)}
    product = values.pop("product", None) or make.product()
    return make.save(Contract(tenant_id=of.tenant_id, customer_id=of.id, product=product, **defaults | values))
