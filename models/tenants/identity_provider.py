"""The connection of a tenant with its OpenID provider, for single sign-on, maintained by NEC's staff.

The client secret is stored encrypted, never shown again and never recorded (docs/adr/0021-single-sign-on.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, LargeBinary, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit, sealed_secret
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.row_lock import serialize
from models.scope import TenantScoped
from models.tenants import identity_domain
from models.tenants.identity_domain import IdentityDomain
from models.tenants.tenant import Tenant
from models.versioned import Versioned, check_version

ISSUER_LENGTH = 500
CLIENT_ID_LENGTH = 255
SECRET_LENGTH = 1_000
LABEL_LENGTH = 40

NOT_AN_ISSUER = N_(
    "Enter the issuer's URL, which starts with https:// and has no query, such as https://login.example.jp."
)
NO_SECRET = N_("Enter the client secret.")
NOBODY_LEFT = N_(
    "Sign-in by password can be forbidden only while the connection is in use and has a confirmed domain: otherwise"
    " nobody could sign in."
)

_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


class IdentityProvider(Versioned, TenantScoped, Base):
    """The connection of one tenant."""

    __tablename__ = "identity_provider"

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH))
    client_id: Mapped[str] = mapped_column(String(CLIENT_ID_LENGTH))
    # Encrypted (models.sealed_secret).
    client_secret: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    # The text of the button that leads to the provider.
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    active: Mapped[bool] = mapped_column(server_default="false")
    # Whether addresses count without ``email_verified``, which Entra ID does not send.
    trusts_addresses: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as entered and as stored.

    :param password_sign_in: whether the members of the tenant may sign in by password too.
    """

    issuer: str
    client_id: str
    label: str
    active: bool
    trusts_addresses: bool
    password_sign_in: bool


EMPTY = Connection("", "", "", active=False, trusts_addresses=False, password_sign_in=True)
"""What the form shows before there is a connection."""


def is_issuer(text: str, *, allow_local: bool) -> bool:
    """Return whether a text can be the issuer of a provider.

    :param allow_local: whether http is possible, on this machine only.
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    secure = parts.scheme == "https" or (allow_local and parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS)
    plain = text.isprintable() and " " not in text and not (parts.query or parts.fragment or parts.username)
    return bool(secure and parts.hostname and plain and "?" not in text and "#" not in text)


def of_tenant(session: Session, tenant_id: str) -> IdentityProvider | None:
    """Return the connection of a tenant."""
    return session.scalar(select(IdentityProvider).where(IdentityProvider.tenant_id == tenant_id))


def locked(session: Session, tenant_id: str, *, shared: bool = False) -> IdentityProvider | None:
    """Return the connection of a tenant, locked until the end of the transaction.

    :param shared: whether others may lock it likewise, but not change it.
    """
    found = select(IdentityProvider).where(IdentityProvider.tenant_id == tenant_id)
    return session.scalar(found.with_for_update(read=shared).execution_options(populate_existing=True))


def stored(session: Session, tenant: Tenant) -> tuple[Connection, int]:
    """Return the connection of a tenant and its version; 0 if there is none."""
    row = of_tenant(session, tenant.id)
    if row is None:
        return EMPTY, 0
    return _connection(row, tenant), row.version


def tenant_of_domain(session: Session, domain: str) -> str | None:
    """Return the tenant whose people sign in with addresses of a domain, None if there is no connection in use.

    :param session: a cross-tenant session, because the domain determines the tenant.
    """
    return session.scalar(
        select(IdentityDomain.tenant_id)
        .join(IdentityProvider, IdentityProvider.tenant_id == IdentityDomain.tenant_id)
        .where(IdentityDomain.domain == domain, IdentityDomain.verified_at.is_not(None), IdentityProvider.active)
    )


def save(  # noqa: PLR0913  (a rule takes its settings as arguments)
    session: Session,
    tenant: Tenant,
    wanted: Connection,
    secret: str,
    *,
    version: int,
    allow_local: bool,
    by: Actor,
) -> bool:
    """Save the connection of a tenant.

    :param session: a cross-tenant session.
    :param secret: the new client secret; empty to keep the stored one.
    :param version: the version when the person opened the form, 0 if there was no connection yet.
    :param allow_local: whether the issuer may be a provider on this machine, by http.
    :returns: whether it ends the sessions that were started with it, and the subjects known from it.
    :raises Conflict: somebody else saved in the meantime.
    :raises DomainError: a value is invalid, nothing changes, or nobody could sign in any more.
    """
    if not is_issuer(wanted.issuer, allow_local=allow_local):
        raise DomainError(NOT_AN_ISSUER, field="issuer")
    serialize(session, "identity_provider", tenant.id)
    session.refresh(tenant)
    row = of_tenant(session, tenant.id)
    check_version(row.version if row is not None else 0, version)
    if row is None and not secret:
        raise DomainError(NO_SECRET, field="client_secret")
    if not wanted.password_sign_in and not (wanted.active and identity_domain.verified(session, tenant.id)):
        raise DomainError(NOBODY_LEFT, field="password_sign_in")
    before = _described(_connection(row, tenant)) if row is not None else {}
    after = _described(wanted)
    changed = [name for name in after if before.get(name) != after[name]]
    if not changed and not secret:
        raise DomainError(NOTHING_CHANGED)
    _write(session, tenant, row, wanted, sealed_secret.seal(secret, purpose(tenant.id)) if secret else None)
    recorded = {name: after[name] for name in changed}
    audit.record(
        session,
        "identity_provider.changed" if row is not None else "identity_provider.created",
        ("IdentityProvider", tenant.id),
        by=by,
        tenant_id=tenant.id,
        before={name: before[name] for name in changed} if row is not None else None,
        after=recorded | ({"secret_replaced": True} if secret else {}),  # nosec B105  (only that it was)
    )
    return row is not None and bool({"issuer", "client_id"}.intersection(changed) or not wanted.active)


def client_secret(row: IdentityProvider) -> str | None:
    """Return the client secret of a connection, None if it was encrypted with an unknown ``SECRET_KEY``."""
    return sealed_secret.unseal(row.client_secret, purpose(row.tenant_id))


def purpose(tenant_id: str) -> str:
    """Return the purpose for which the client secret of a tenant is encrypted."""
    return f"tenant-secret {tenant_id}"


def encrypt_again(session: Session) -> tuple[int, int]:
    """Encrypt all client secrets with the present ``SECRET_KEY``; no version changes, so open forms can be saved.

    :param session: a cross-tenant session.
    :returns: how many were encrypted, and how many could be decrypted with no key.
    """
    found = session.execute(select(IdentityProvider.tenant_id, IdentityProvider.client_secret).with_for_update()).all()
    lost = 0
    for tenant_id, sealed in found:
        secret = sealed_secret.unseal(sealed, purpose(tenant_id))
        if secret is None:
            lost += 1
        else:
            changed = update(IdentityProvider).where(IdentityProvider.tenant_id == tenant_id)
            session.execute(changed.values(client_secret=sealed_secret.seal(secret, purpose(tenant_id))))
    return len(found) - lost, lost


def _write(
    session: Session, tenant: Tenant, row: IdentityProvider | None, wanted: Connection, sealed: bytes | None
) -> None:
    # Without increasing the tenant's version, which belongs to the form with its name.
    session.execute(
        update(Tenant)
        .where(Tenant.id == tenant.id)
        .values(password_sign_in=wanted.password_sign_in)
        .execution_options(synchronize_session=False)
    )
    if row is None:
        row = IdentityProvider(tenant_id=tenant.id)
        session.add(row)
    row.issuer, row.client_id, row.label = wanted.issuer, wanted.client_id, wanted.label
    row.active, row.trusts_addresses = wanted.active, wanted.trusts_addresses
    if sealed is not None:
        row.client_secret = sealed
    session.flush()
    session.refresh(tenant)


def _connection(row: IdentityProvider, tenant: Tenant) -> Connection:
    return Connection(
        row.issuer,
        row.client_id,
        row.label,
        active=row.active,
        trusts_addresses=row.trusts_addresses,
        password_sign_in=tenant.password_sign_in,
    )


def _described(connection: Connection) -> dict[str, Any]:
    """Return everything that can be saved except for the client secret, for the audit log."""
    return {name: getattr(connection, name) for name in Connection.__slots__}
