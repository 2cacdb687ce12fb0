"""Which users belong to which tenants, and with which role. Not scoped: sign-in reads it before a tenant is chosen."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.accounts.user import User
from models.db import Base, CreatedAt
from models.tenants.tenant import Tenant


class Membership(Base):
    """A user's membership of a tenant, with the role held there."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("user_id", "tenant_id"),
        Index("ix_membership_tenant_id", "tenant_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"))
    role_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_role.id"))
    created_at: Mapped[CreatedAt]
    # Since when the user has the present role.
    held_since: Mapped[CreatedAt]

    user: Mapped[Any] = relationship("User")
    tenant: Mapped[Tenant] = relationship(Tenant)
    role: Mapped[Any] = relationship("Role")

    @property
    def name(self) -> str:
        """The full name of the user."""
        return str(self.user.get_full_name())

    @property
    def email(self) -> str:
        """The e-mail address of the user."""
        return str(self.user.email)


User.memberships = relationship(Membership, order_by=Membership.tenant_id, viewonly=True)


def only_tenant(session: Session, user_id: int) -> str | None:
    """Return the ID of the user's tenant if the user can enter exactly one, otherwise None.

    A user with a role in every tenant can choose, so the result is None for them.
    """
    elevated = exists().where(assoc_user_role.c.user_id == user_id)
    tenant_ids = session.scalars(
        select(Membership.tenant_id).where(Membership.user_id == user_id, ~elevated).limit(2)
    ).all()
    return tenant_ids[0] if len(tenant_ids) == 1 else None
