"""Entries of NEC staff into tenants that they are not members of. They are kept in the tenant's audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.audit import AuditEntry
from models.errors import N_, DomainError

REASON_LENGTH = 255
ENTERED = "tenant.entered"
LEFT = "tenant.left"

NO_REASON = N_("State the reason for entering the tenant.")
TOO_LONG = N_("Enter a reason of up to 255 characters.")


def record_entry(session: Session, tenant_id: str, reason: str, *, by: Actor) -> None:
    """Record that a member of NEC's staff entered a tenant.

    :param session: a cross-tenant session.
    :raises DomainError: the reason is empty or too long.
    """
    if not reason.strip():
        raise DomainError(NO_REASON, field="reason")
    if len(reason) > REASON_LENGTH:
        raise DomainError(TOO_LONG, field="reason")
    audit.record(session, ENTERED, ("Tenant", tenant_id), by=by, tenant_id=tenant_id, after={"reason": reason})


def record_leaving(session: Session, tenant_id: str, *, by: Actor) -> None:
    """Record that a member of NEC's staff left a tenant.

    :param session: a cross-tenant session.
    """
    audit.record(session, LEFT, ("Tenant", tenant_id), by=by, tenant_id=tenant_id)


def recent_entries(session: Session, tenant_id: str, *, since: datetime, most: int) -> Sequence[Any]:
    """Return the latest entries of NEC staff into a tenant, newest first, with ``at`` and ``reason``."""
    return session.execute(
        select(AuditEntry.id, AuditEntry.at, AuditEntry.after["reason"].astext.label("reason"))
        .where(
            AuditEntry.tenant_id == tenant_id,
            AuditEntry.subject_type == "Tenant",
            AuditEntry.subject_id == tenant_id,
            AuditEntry.action == ENTERED,
            AuditEntry.at >= since,
        )
        .order_by(AuditEntry.id.desc())
        .limit(most)
    ).all()
