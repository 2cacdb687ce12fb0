"""The access ledger: who may enter what, with which role, since when. Not a table: it is read from several.

A user with several roles has several rows; one without any role has a row without a role, because such an account is part of
a review too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import Column, DateTime, String, cast, func, literal, null, select, union_all
from sqlalchemy.orm import Mapped

from models.accounts.membership import Membership
from models.accounts.user import Role, User
from models.db import Base
from models.tenants.tenant import Tenant

# Flask-AppBuilder does not record when a role was given to a user.
assoc_user_role.append_column(Column("held_since", DateTime(timezone=True), server_default=func.now(), nullable=True))


def _row(prefix: str, key: Any, tenant: Any, role: Any, since: Any) -> tuple[Any, ...]:
    tenant_id, tenant_name = tenant
    return (
        (literal(prefix) + cast(key, String)).label("id"),
        User.id.label("user_id"),
        func.trim(User.last_name + " " + User.first_name).label("name"),
        User.email.label("email"),
        User.active.label("active"),
        User.last_login.label("last_login"),
        tenant_id.label("tenant_id"),
        tenant_name.label("tenant_name"),
        role.label("role"),
        since.label("since"),
    )


_NO_TENANT = cast(null(), String), cast(null(), String)
_IN_TENANTS = (
    select(*_row("m", Membership.id, (Tenant.id, Tenant.name), Role.name, Membership.held_since))
    .join(User, User.id == Membership.user_id)
    .join(Tenant, Tenant.id == Membership.tenant_id)
    .join(Role, Role.id == Membership.role_id)
)
_EVERYWHERE = (
    select(*_row("r", assoc_user_role.c.id, _NO_TENANT, Role.name, assoc_user_role.c.held_since))
    .select_from(assoc_user_role)
    .join(User, User.id == assoc_user_role.c.user_id)
    .join(Role, Role.id == assoc_user_role.c.role_id)
)
_NOWHERE = select(*_row("u", User.id, _NO_TENANT, cast(null(), String), cast(null(), DateTime(timezone=True)))).where(
    ~select(Membership.id).where(Membership.user_id == User.id).exists(),
    ~select(assoc_user_role.c.id).where(assoc_user_role.c.user_id == User.id).exists(),
)


class AccessRight(Base):
    """A role of a user in a tenant or, without a tenant, in all of them. Read-only."""

    __tablename__ = "access_right"
    __table__ = union_all(_IN_TENANTS, _EVERYWHERE, _NOWHERE).subquery("access_right")
    __mapper_args__ = {"primary_key": [__table__.c.id]}

    id: Mapped[str]
    user_id: Mapped[int]
    name: Mapped[str]
    email: Mapped[str]
    active: Mapped[bool]
    last_login: Mapped[datetime | None]
    tenant_id: Mapped[str | None]
    tenant_name: Mapped[str | None]
    role: Mapped[str | None]
    since: Mapped[datetime | None]
