"""The application form of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.applications.extra_question import ApplicationField
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make


def application_field(make: Make, *, tenant: Tenant | None = None, **values: Any) -> ApplicationField:
    number = make.number()
    defaults = {"title": f"追加の質問{number}", "required": False, "kind": "text", "position": number + 1}
    return make.save(ApplicationField(tenant_id=(tenant or make.tenant()).id, **defaults | values))
