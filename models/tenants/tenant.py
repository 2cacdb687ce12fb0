"""Tenants (テナント): the resellers. Not scoped: sign-in reads names before a tenant is chosen."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Sequence, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import DomainError
from models.versioned import Versioned

NAME_LENGTH = 100

tenant_number = Sequence("tenant_number", start=8000000, minvalue=0, maxvalue=9999999)


class Tenant(Versioned, Base):
    """A reseller. Every scoped row belongs to exactly one tenant."""

    __tablename__ = "tenant"
    __table_args__ = (CheckConstraint("id ~ '^T[0-9]{7}$'", name="ck_tenant_id"),)

    id: Mapped[str] = mapped_column(
        String(8),
        primary_key=True,
        server_default=text("'T' || lpad(nextval('tenant_number')::text, 7, '0')"),
    )
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    # Whether its members may sign in by password; otherwise only by single sign-on (models.tenants.identity_provider).
    password_sign_in: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[CreatedAt]
    # Two of the tenant's settings, here because signing in and every request read them before a tenant is entered:
    # whether its users must have a second factor, and whether they may sign in with a passkey instead of the password.
    second_factor_required: Mapped[bool] = mapped_column(server_default="false")
    passkey_sign_in: Mapped[bool] = mapped_column(server_default="false")


def create_tenant(session: Session, name: str, *, by: Actor) -> Tenant:
    """Create a tenant. The database generates its ID.

    :raises DomainError: the name is empty or too long.
    """
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise DomainError(f"A tenant name must have 1 to {NAME_LENGTH} characters.", field="name")
    tenant = Tenant(name=name)
    session.add(tenant)
    session.flush()
    audit.record(session, "tenant.created", tenant, by=by, tenant_id=tenant.id, after={"name": name})
    return tenant


def tenant_names(session: Session) -> dict[str, str]:
    """Return the names of all tenants by their IDs."""
    return {row.id: row.name for row in session.execute(select(Tenant.id, Tenant.name))}
