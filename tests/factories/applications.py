"""Applications and the form's extra questions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.applications.application import ServiceApplication, ServiceDelivery
from models.applications.extra_question import ApplicationField
from models.applications.utm_application import UtmApplication, UtmDelivery
from models.customers.customer import Customer
from models.tenants.tenant import Tenant
from models.tokens import hash_token

if TYPE_CHECKING:
    from tests.factories import Make


def application_field(make: Make, *, tenant: Tenant | None = None, **values: Any) -> ApplicationField:
    number = make.number()
    defaults = {"title": f"追加の質問{number}", "required": False, "kind": "text", "position": number + 1}
    return make.save(ApplicationField(tenant_id=(tenant or make.tenant()).id, **defaults | values))


APPLIED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
"""When a factory's applications were made."""

APPLICANT = {
    "company": "株式会社みどり電機",
    "last_name": "緑川",
    "first_name": "次郎",
    "department": "総務部",
    "title": "課長",
    "email": "jiro@example.com",
    "phone": "0612345678",
    "postcode": "530-0001",
    "prefecture": "大阪府",
    "address": "大阪市北区梅田一丁目1番1号",
}
"""What a service application must have."""

DELIVERY = {
    "company": "株式会社みどり電機",
    "last_name": "緑川",
    "first_name": "三郎",
    "department": "情報システム部",
    "postcode": "530-0001",
    "prefecture": "大阪府",
    "address": "大阪市北区梅田一丁目1番1号",
    "phone": "0612345679",
    "utm_count": 2,
}
"""A delivery address."""


def service_application(make: Make, *, tenant: Tenant | None = None, **values: Any) -> ServiceApplication:
    """A pending application (未承認) with one delivery address for two UTMs; in another state as ``state`` says."""
    if "tenant_id" not in values:
        values["tenant_id"] = (tenant or make.tenant()).id
    number = make.number()
    state = values.get("state", "pending")
    defaults = {
        "id": f"AAP-{number:08}",
        "state": state,
        "company": f"{APPLICANT['company']}{number}",
        "submitted_at": APPLIED_AT - timedelta(minutes=5),
        "token_hash": hash_token(f"token {number}"),
        "expires_at": APPLIED_AT + timedelta(hours=24),
        "applied_at": None if state == "unconfirmed" else APPLIED_AT,
    }
    if state in {"approved", "denied"}:
        defaults |= {"decided_at": APPLIED_AT + timedelta(days=1), "decided_by": "operator@example.jp"}
    if state == "approved" and "customer_id" not in values:
        defaults["customer_id"] = make.customer(tenant_id=values["tenant_id"]).id
    deliveries = values.pop("deliveries", [DELIVERY])
    application = ServiceApplication(**APPLICANT | defaults | values)
    application.deliveries = [ServiceDelivery(tenant_id=values["tenant_id"], **each) for each in deliveries]
    return make.save(application)


def utm_application(make: Make, *, customer_row: Customer | None = None, **values: Any) -> UtmApplication:
    """A pending application of a customer for two UTMs; in another state as ``state`` says."""
    customer = customer_row or make.customer(tenant=values.pop("tenant", None))
    state = values.get("state", "pending")
    defaults = {"id": f"UAP-{make.number():08}", "state": state, "applied_at": APPLIED_AT}
    if state != "pending":
        defaults |= {"decided_at": APPLIED_AT + timedelta(days=1), "decided_by": "operator@example.jp"}
    deliveries = values.pop("deliveries", [DELIVERY])
    application = UtmApplication(tenant_id=customer.tenant_id, customer_id=customer.id, **defaults | values)
    application.deliveries = [UtmDelivery(tenant_id=customer.tenant_id, **each) for each in deliveries]
    return make.save(application)
