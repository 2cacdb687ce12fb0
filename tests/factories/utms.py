"""UTMs, at customers that may have one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.customers.customer import Customer
from models.tenants.tenant import Tenant
from models.utms.reboot import Reboot, RebootState
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


def reboot(
    make: Make, *, tenant: Tenant | None = None, utm_row: Utm | None = None, state: str = "scheduled", **values: Any
) -> Reboot:
    """A reboot: planned, or in another state with what belongs to it."""
    of = utm_row or make.utm(tenant=tenant)
    due = values.pop("due_at", datetime(2026, 12, 24, 18, 0, tzinfo=UTC))
    defaults: dict[str, Any] = {
        "planned": due.timestamp() % 900 == 0,
        "asked_at": due - timedelta(days=1),
        "asked_by": "operator@example.jp",
        "due_at": due,
    }
    if state in {"requested", "succeeded", "failed"}:
        defaults["requested_at"] = due
    if state not in {"scheduled", "requested"}:
        defaults["ended_at"] = due + timedelta(minutes=5)
    if state == "failed":
        defaults["failure"] = "no_result"
    return make.save(Reboot(tenant_id=of.tenant_id, utm_id=of.id, state=RebootState(state), **defaults | values))
