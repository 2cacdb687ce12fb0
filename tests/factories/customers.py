"""Customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
