"""UTMs, at customers that may have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.customers.customer import Customer
from models.tenants.tenant import Tenant
from models.utms.utm import Utm

if TYPE_CHECKING:
    from tests.factories import Make


def utm(make: Make, *, tenant: Tenant | None = None, customer_row: Customer | None = None, **values: Any) -> Utm:
    of = customer_row or make.customer(tenant=tenant)
    number = make.number()
    defaults = {
        "utm_id": f"a0b1c2{number:06x}",
        "name": f"本社ゲートウェイ{number}",
        "serial": f"SERIAL-{number:010d}",
        "postcode": "100-0001",
        "address": "東京都千代田区一丁目1番1号",
        "delivery_status": "受領済",
    }
    return make.save(Utm(tenant_id=of.tenant_id, customer_id=of.id, **defaults | values))


def customer_with_utm(make: Make, tenant: Tenant, **values: Any) -> tuple[Customer, Utm]:
    """A customer with a contract in force and a UTM."""
    made = make.customer(tenant=tenant)
    make.contract(customer_row=made)
    return made, make.utm(customer_row=made, **values)
