"""Invitations of people into a tenant (§2.1). Only a hash of the token of the mailed link is stored."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    case,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db import Base, CreatedAt
from models.scope import TenantScoped
from models.tenants.tenant import Tenant


class InvitationState(StrEnum):
    """The state of an invitation."""

    PENDING = "pending"
    USED = "used"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class UserInvitation(TenantScoped, Base):
    """The invitation of an e-mail address into a tenant. Its link can be sent again, which replaces the token."""

    __tablename__ = "user_invitation"
    __table_args__ = (
        CheckConstraint("used_at IS NULL OR withdrawn_at IS NULL", name="ck_user_invitation_ended_once"),
        # The hash is kept only between the two steps of the registration.
        CheckConstraint(
            "password IS NULL OR (used_at IS NULL AND withdrawn_at IS NULL)", name="ck_user_invitation_password"
        ),
        Index("ix_user_invitation_tenant_id", "tenant_id"),
        Index("ix_user_invitation_role_id", "role_id"),
        Index(
            "uq_user_invitation_open",
            "tenant_id",
            "email",
            unique=True,
            postgresql_where=text("used_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    # NULL when the role was deleted, which is possible once the invitation has ended.
    role_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ab_role.id", ondelete="SET NULL"))
    invited_by: Mapped[str] = mapped_column(String(320))
    # SHA-256 in hex. A fast hash is enough: the token is 256 random bits, not a password chosen by a person.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # The Argon2id hash of the password that was typed in the first step, and how often that step was sent. The second step
    # names that number, so that it cannot complete what was typed in another window.
    password: Mapped[str | None] = mapped_column(String(256))
    drafts: Mapped[int] = mapped_column(Integer, server_default="0", default=0)

    tenant: Mapped[Tenant] = relationship(Tenant)
    role: Mapped[Any] = relationship("Role")

    def state(self, *, now: datetime) -> InvitationState:
        """Return the state at a time."""
        if self.used_at is not None:
            return InvitationState.USED
        if self.withdrawn_at is not None or self.role_id is None:
            return InvitationState.WITHDRAWN
        return InvitationState.PENDING if now < self.expires_at else InvitationState.EXPIRED


def state_at(now: datetime) -> ColumnElement[str]:
    """Return the SQL expression of the state at a time."""
    return case(
        (UserInvitation.used_at.is_not(None), InvitationState.USED.value),
        (UserInvitation.withdrawn_at.is_not(None) | UserInvitation.role_id.is_(None), InvitationState.WITHDRAWN.value),
        (UserInvitation.expires_at > now, InvitationState.PENDING.value),
        else_=InvitationState.EXPIRED.value,
    )
