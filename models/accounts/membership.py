"""Which users belong to which tenants, and with which role. Not scoped: sign-in reads it before a tenant is chosen."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SQLColumnExpression,
    String,
    UniqueConstraint,
    case,
    exists,
    or_,
    select,
)
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


def enterable(only: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Return the condition for the tenants that a session of a member may enter, besides the membership.

    :param only: the tenant whose single sign-on started the session; NULL if it was started by password.
    """
    return case((only.is_(None), Tenant.password_sign_in), else_=Tenant.id == only)


def only_tenant(session: Session, user_id: int) -> str | None:
    """Return the ID of the user's tenant if the user can enter exactly one after signing in by password, otherwise None.

    A user with a role in every tenant can choose, so the result is None for them.
    """
    tenant_ids = session.scalars(
        select(Membership.tenant_id)
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.user_id == user_id, Tenant.password_sign_in, ~_elevated(user_id))
        .limit(2)
    ).all()
    return tenant_ids[0] if len(tenant_ids) == 1 else None


def allows_password(session: Session, user_id: int) -> bool:
    """Return whether a user may sign in by password: not if all tenants of the user allow only single sign-on."""
    of_user = select(Membership.id).join(Tenant, Tenant.id == Membership.tenant_id).where(Membership.user_id == user_id)
    allowing, forbidding = of_user.where(Tenant.password_sign_in), of_user.where(~Tenant.password_sign_in)
    found = or_(allowing.exists(), ~forbidding.exists(), _elevated(user_id))
    return bool(session.scalar(select(found)))


def is_member(session: Session, user_id: int, tenant_id: str) -> bool:
    """Return whether a user is a member of a tenant."""
    found = select(Membership.id).where(Membership.user_id == user_id, Membership.tenant_id == tenant_id)
    return bool(session.scalar(select(found.exists())))


def is_elevated(session: Session, user_id: int) -> bool:
    """Return whether a user has a role in every tenant."""
    return bool(session.scalar(select(_elevated(user_id))))


def _elevated(user_id: int) -> ColumnElement[bool]:
    return exists().where(assoc_user_role.c.user_id == user_id)
