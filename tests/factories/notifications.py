"""The addresses that a tenant's notifications are sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models import clock
from models.notifications.address import NotificationAddress
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make


def confirmed_address(make: Make, tenant: Tenant, address: str = "tsuchi@example.jp", slot: int = 1) -> str:
    """A notification address of a tenant, in force."""
    make.save(NotificationAddress(tenant_id=tenant.id, slot=slot, address=address, confirmed_at=clock.utc_now()))
    return address
