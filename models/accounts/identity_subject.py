"""The accounts at a tenant's OpenID provider (issuer and subject) that users have signed in with.

At the first sign-in the subject is bound to the user. The address alone does not identify anybody after that: providers
give addresses of people who have left to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, String, delete, or_, select
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from models import audit
from models.accounts.user import User
from models.actor import Actor
from models.db import Base, CreatedAt
from models.row_lock import serialize
from models.scope import TenantScoped
from models.tenants.identity_provider import ISSUER_LENGTH

SUBJECT_LENGTH = 255


class IdentitySubject(TenantScoped, Base):
    """A subject that is bound to a user."""

    __tablename__ = "identity_subject"
    __table_args__ = (
        Index("uq_identity_subject_subject", "tenant_id", "issuer", "subject", unique=True),
        Index("uq_identity_subject_user", "tenant_id", "issuer", "user_id", unique=True),
        Index("ix_identity_subject_user_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH))
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH))
    created_at: Mapped[CreatedAt]

    user: Mapped[Any] = relationship("User")


def bind(session: Session, tenant_id: str, user_id: int, *, issuer: str, subject: str) -> bool:
    """Bind a subject to a user, if neither is bound yet.

    :param user_id: the user, whose row the caller has locked.
    :returns: whether they now belong together; False if one of them is bound to another.
    """
    serialize(session, "identity_subject", f"{tenant_id} {issuer} {subject}")
    found = session.scalars(
        select(IdentitySubject).where(
            IdentitySubject.tenant_id == tenant_id,
            IdentitySubject.issuer == issuer,
            or_(IdentitySubject.subject == subject, IdentitySubject.user_id == user_id),
        )
    ).all()
    if not found:
        session.add(IdentitySubject(tenant_id=tenant_id, user_id=user_id, issuer=issuer, subject=subject))
        session.flush()
        return True
    return [(each.user_id, each.subject) for each in found] == [(user_id, subject)]


def listed(session: Session, tenant_id: str) -> Sequence[IdentitySubject]:
    """Return the bound subjects of a tenant, by the address of their user."""
    return session.scalars(
        select(IdentitySubject)
        .join(User, User.id == IdentitySubject.user_id)
        .where(IdentitySubject.tenant_id == tenant_id)
        .options(joinedload(IdentitySubject.user))
        .order_by(User.email)
    ).all()


def release(session: Session, row: IdentitySubject, *, by: Actor) -> None:
    """Release a subject from its user: the next sign-in binds one again, such as that of a new account."""
    before = {"issuer": row.issuer, "subject": row.subject, "user": row.user.email}
    audit.record(session, "identity_subject.released", row, by=by, before=before)
    session.delete(row)
    session.flush()


def release_all(session: Session, tenant_id: str) -> None:
    """Release all subjects of a tenant."""
    session.execute(
        delete(IdentitySubject)
        .where(IdentitySubject.tenant_id == tenant_id)
        .execution_options(synchronize_session=False)
    )
