"""What the audit log has about a user's sign-ins. Entries about signing in are outside any tenant."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry

ACTIONS = (
    "sign_in.succeeded",
    "sign_in.failed",
    "sign_in.refused",
    "account.locked",
    "sign_out",
    "session.ended",
    "session.others_ended",
)


def sign_in_history(session: Session, user_id: int, *, most: int) -> Sequence[AuditEntry]:
    """Return the latest entries about a user's sign-ins and sessions, newest first.

    :param session: a cross-tenant session.
    """
    return session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.tenant_id.is_(None),
            AuditEntry.subject_type == "User",
            AuditEntry.subject_id == str(user_id),
            AuditEntry.action.in_(ACTIONS),
        )
        .order_by(AuditEntry.id.desc())
        .limit(most)
    ).all()
