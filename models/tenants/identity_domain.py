"""The mail domains of a tenant's single sign-on. A domain belongs to at most one tenant.

NEC's staff confirm a domain after they have looked up the TXT record that proves it (docs/adr/0021-single-sign-on.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import idna
from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import N_, DomainError, Gone
from models.row_lock import lock, serialize
from models.scope import TenantScoped
from models.tenants.tenant import Tenant

DOMAIN_LENGTH = 253
MAX_DOMAINS = 20
"""The maximum number of domains of a tenant."""

PROOF_PREFIX = "partner-portal-domain-verification="

NOT_A_DOMAIN = N_("Enter a domain, such as example.co.jp.")
TAKEN = N_("This domain is already registered, for this tenant or another.")
TOO_MANY = N_("There are 20 domains. Remove one first.")
ALREADY_VERIFIED = N_("This domain has already been confirmed.")
LAST_IN_USE = N_("Allow sign-in by password before removing the last confirmed domain.")


class IdentityDomain(TenantScoped, Base):
    """A mail domain, which counts once it is confirmed."""

    __tablename__ = "identity_domain"
    __table_args__ = (
        Index("uq_identity_domain_domain", "domain", unique=True),
        Index("ix_identity_domain_tenant_id", "tenant_id"),
        CheckConstraint("domain = lower(domain)", name="ck_identity_domain_lower"),
        CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="ck_identity_domain_verified"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    # In ASCII: names with other characters as IDNA encodes them.
    domain: Mapped[str] = mapped_column(String(DOMAIN_LENGTH))
    # The random part of the TXT record.
    proof: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # The e-mail address of who confirmed it, kept when that user is deleted.
    verified_by: Mapped[str | None] = mapped_column(String(320))

    @property
    def record(self) -> str:
        """The value of the TXT record that proves the domain."""
        return f"{PROOF_PREFIX}{self.proof}"


def normalized(typed: str) -> str | None:
    """Return a domain in lower case and as IDNA encodes it, None if it is not a domain.

    >>> normalized("Example.CO.JP."), normalized("日本語.jp"), normalized("localhost")
    ('example.co.jp', 'xn--wgv71a119e.jp', None)
    """
    try:
        domain = idna.encode(typed.strip().rstrip("."), uts46=True, transitional=False).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    return domain if "." in domain and len(domain) <= DOMAIN_LENGTH else None


def domain_of(address: str) -> str | None:
    """Return the normalized domain of an e-mail address, None if it has none."""
    local, at, domain = address.rpartition("@")
    return normalized(domain) if at and local and "@" not in local else None


def listed(session: Session, tenant_id: str) -> Sequence[IdentityDomain]:
    """Return the domains of a tenant by name."""
    found = select(IdentityDomain).where(IdentityDomain.tenant_id == tenant_id)
    return session.scalars(found.order_by(IdentityDomain.domain)).all()


def verified(session: Session, tenant_id: str) -> frozenset[str]:
    """Return the confirmed domains of a tenant."""
    return frozenset(each.domain for each in listed(session, tenant_id) if each.verified_at is not None)


def add(session: Session, tenant: Tenant, typed: str, *, by: Actor) -> IdentityDomain:
    """Add a domain to a tenant, to be confirmed.

    :param session: a cross-tenant session.
    :raises DomainError: it is not a domain, it belongs to a tenant already, or the tenant has too many.
    """
    domain = normalized(typed)
    if domain is None:
        raise DomainError(NOT_A_DOMAIN, field="domain")
    serialize(session, "identity_domain")
    if session.scalar(select(IdentityDomain.id).where(IdentityDomain.domain == domain)) is not None:
        raise DomainError(TAKEN, field="domain")
    count = select(func.count()).select_from(IdentityDomain).where(IdentityDomain.tenant_id == tenant.id)
    if session.scalars(count).one() >= MAX_DOMAINS:
        raise DomainError(TOO_MANY, field="domain")
    row = IdentityDomain(tenant_id=tenant.id, domain=domain, proof=secrets.token_urlsafe(24))
    session.add(row)
    session.flush()
    audit.record(session, "identity_domain.added", row, by=by, after={"domain": domain})
    return row


def verify(session: Session, row: IdentityDomain, *, now: datetime, by: Actor) -> None:
    """Confirm a domain: its TXT record was looked up.

    :raises DomainError: it is confirmed already.
    :raises Gone: it was removed concurrently.
    """
    lock(session, row)
    if row.verified_at is not None:
        raise DomainError(ALREADY_VERIFIED)
    row.verified_at, row.verified_by = now, by.name
    session.flush()
    audit.record(session, "identity_domain.verified", row, by=by, after={"domain": row.domain})


def remove(session: Session, tenant: Tenant, row: IdentityDomain, *, by: Actor) -> None:
    """Remove a domain; its users can no longer sign in with it.

    :raises DomainError: nobody of the tenant could sign in any more.
    :raises Gone: it was removed concurrently.
    """
    # Password sign-in is forbidden under the same lock (models.tenants.identity_provider).
    serialize(session, "identity_provider", tenant.id)
    session.refresh(tenant)
    if row.tenant_id != tenant.id:
        raise Gone
    lock(session, row)
    if not tenant.password_sign_in and verified(session, tenant.id) <= {row.domain}:
        raise DomainError(LAST_IN_USE)
    audit.record(session, "identity_domain.removed", row, by=by, before={"domain": row.domain})
    session.delete(row)
    session.flush()
