"""Users of the customers' portal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.customers.customer import Customer
from models.portal_users.portal_user import PortalUser

if TYPE_CHECKING:
    from tests.factories import Make


def portal_user(make: Make, *, customer_row: Customer | None = None, **values: Any) -> PortalUser:
    """A user who has not signed up, with a sign-up that ends in the distant future."""
    customer = customer_row or make.customer(tenant=values.pop("tenant", None))
    number = make.number()
    defaults = {
        "id": f"YW{number:06}",
        "last_name": "青空",
        "first_name": f"みどり{number}",
        "email": f"midori{number}@example.com",
        "mobile": "09012345678",
        "sign_up_until": datetime(2099, 1, 1, tzinfo=UTC),
    }
    return make.save(PortalUser(tenant_id=customer.tenant_id, customer_id=customer.id, **defaults | values))
