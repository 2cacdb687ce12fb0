"""Entries of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.audit import AuditEntry
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make


def audit_entry(make: Make, *, tenant: Tenant | None = None, **values: Any) -> AuditEntry:
    """A change of a row that is gone, by somebody outside the tests."""
    defaults = {
        "tenant_id": (tenant or make.tenant()).id,
        "actor": "somebody@example.jp",
        "action": "utm.changed",
        "subject_type": "Utm",
        "subject_id": f"subject-{make.number()}",
        "before": {"name": "old"},
        "after": {"name": "new"},
    }
    return make.save(AuditEntry(**defaults | values))
