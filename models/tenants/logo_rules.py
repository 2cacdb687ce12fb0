"""The logo of a tenant's public pages (§5.4.1): replace, remove and find it."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.scope import all_tenants
from models.tenants.settings import MAX_LOGO_BYTES, TenantSettings
from models.tenants.settings_rules import locked
from models.values.png import clean_png

TOO_LARGE = N_("The file must have at most 200 KB.")


def replace(session: Session, data: bytes, *, by: Actor) -> None:
    """Store a PNG file as the logo of the session's tenant.

    :raises DomainError: the file is too large or not a valid PNG, or it is the present logo.
    """
    if len(data) > MAX_LOGO_BYTES:
        raise DomainError(TOO_LARGE, field="file")
    try:
        logo = clean_png(data)
    except DomainError as error:
        raise DomainError(error.message, field="file") from None
    if len(logo) > MAX_LOGO_BYTES:
        raise DomainError(TOO_LARGE, field="file")
    _set(session, logo, sha256(logo).hexdigest(), by=by)


def remove(session: Session, *, by: Actor) -> None:
    """Remove the logo of the session's tenant.

    :raises DomainError: there is none.
    """
    _set(session, None, "", by=by)


def by_hash(logo_hash: str) -> bytes | None:
    """Return a logo by its SHA-256 in hex, None if no tenant has it."""
    with all_tenants("the URL of a logo contains its hash but no tenant") as session:
        return session.scalar(select(TenantSettings.logo).where(TenantSettings.logo_hash == logo_hash).limit(1))


def _set(session: Session, logo: bytes | None, logo_hash: str, *, by: Actor) -> None:
    settings = locked(session)
    before = settings.logo_hash
    if before == logo_hash:
        raise DomainError(NOTHING_CHANGED)
    settings.logo, settings.logo_hash = logo, logo_hash
    session.flush()
    audit.record(
        session,
        "tenant_settings.logo_changed",
        settings,
        by=by,
        before={"logo_hash": before},
        after={"logo_hash": logo_hash},
    )
