"""What the audit log has about a user's sign-ins. Entries about signing in are outside any tenant."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.audit import AuditEntry

SIGN_INS = ("sign_in.", "sign_out", "session.")
"""What the names of all actions about sign-ins begin with, so that no way to sign in is missing from the history."""

_SHOWN = (*SIGN_INS, "account.")


def sign_in_history(session: Session, user_id: int, *, most: int) -> Sequence[AuditEntry]:
    """Return the latest entries about a user's sign-ins, sessions and locks, newest first.

    :param session: a cross-tenant session.
    """
    return session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.tenant_id.is_(None),
            AuditEntry.subject_type == "User",
            AuditEntry.subject_id == str(user_id),
            or_(*(AuditEntry.action.startswith(each, autoescape=True) for each in _SHOWN)),
        )
        .order_by(AuditEntry.id.desc())
        .limit(most)
    ).all()
