"""The bearer tokens of the customers' portal, which calls the API for a tenant. Only a hash is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, DateTime, Identity, Index, String, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit, scope
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import N_, NOTHING_CHANGED, DomainError, Gone
from models.row_lock import lock, serialize
from models.scope import TenantScoped
from models.tokens import hash_token, new_token
from models.versioned import Versioned, lock_version

NAME_LENGTH = 100
MAX_IN_FORCE = 10
"""The maximum number of active tokens of a tenant: one per calling system, and another during its replacement."""

TAKEN_NAME = N_("This name is already used.")
TOO_MANY = N_("There are 10 tokens. Revoke one first.")
ENDED = N_("This token has already been revoked.")

UNIQUE_ERRORS = {"uq_portal_token_name_in_force": ("name", TAKEN_NAME)}
"""The error for a violated unique index, when a concurrent request was first."""

_PREFIX = "cst_"
# So that not every call has to write to the database to record the use of its token.
_USE_NOTED_EVERY = timedelta(minutes=1)


class PortalToken(Versioned, TenantScoped, Base):
    """A named token. Reissuing it keeps the row and replaces the secret."""

    __tablename__ = "portal_token"
    __table_args__ = (
        Index(
            "uq_portal_token_name_in_force",
            "tenant_id",
            "name",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Caller:
    """The token that a call was made with."""

    tenant_id: str
    token_id: int
    name: str


def in_force(session: Session) -> Sequence[PortalToken]:
    """Return the active tokens of the session's tenant."""
    return session.scalars(select(PortalToken).where(PortalToken.revoked_at.is_(None)).order_by(PortalToken.name)).all()


def create(session: Session, name: str, *, now: datetime, by: Actor) -> tuple[PortalToken, str]:
    """Create a token.

    :returns: its row and the token, which is not stored anywhere.
    :raises DomainError: there are too many tokens, or the name is taken.
    """
    names = _names_in_force(session)
    if len(names) >= MAX_IN_FORCE:
        raise DomainError(TOO_MANY)
    if name in names:
        raise DomainError(TAKEN_NAME, field="name")
    token = new_token(_PREFIX)
    row = PortalToken(name=name, token_hash=hash_token(token), issued_at=now)
    session.add(row)
    session.flush()
    audit.record(session, "portal_token.created", row, by=by, after={"name": name})
    return row, token


def rename(session: Session, row: PortalToken, name: str, *, version: int, by: Actor) -> None:
    """Rename a token.

    :param version: the token's version when the user opened the form.
    :raises Conflict: the token was changed in the meantime.
    :raises DomainError: the name is unchanged or taken.
    """
    names = _names_in_force(session)
    lock_version(session, row, version)
    if row.name == name:
        raise DomainError(NOTHING_CHANGED)
    if name in names:
        raise DomainError(TAKEN_NAME, field="name")
    row.name = name
    audit.record(session, "portal_token.renamed", row, by=by)


def reissue(session: Session, row: PortalToken, *, now: datetime, by: Actor) -> str:
    """Replace the secret of a token. The previous one becomes invalid.

    :returns: the new token, which is not stored anywhere.
    :raises Gone: the token was revoked concurrently.
    """
    lock(session, row)
    if row.revoked_at is not None:
        raise Gone
    token = new_token(_PREFIX)
    row.token_hash, row.issued_at, row.last_used_at = hash_token(token), now, None
    audit.record(session, "portal_token.reissued", row, by=by, after={"name": row.name})
    return token


def revoke(session: Session, row: PortalToken, *, now: datetime, by: Actor) -> None:
    """Revoke a token permanently.

    :raises Gone: it was revoked concurrently.
    """
    lock(session, row)
    if row.revoked_at is not None:
        raise Gone
    row.revoked_at = now
    audit.record(session, "portal_token.revoked", row, by=by, before={"name": row.name})


def _names_in_force(session: Session) -> Sequence[str]:
    """Return the names of the tenant's active tokens, after taking a lock that prevents creating and renaming tokens."""
    serialize(session, "portal_token", scope.own_tenant_id(session))
    return session.scalars(select(PortalToken.name).where(PortalToken.revoked_at.is_(None))).all()


def caller_of(session: Session, token: str, *, now: datetime) -> tuple[Caller, bool] | None:
    """Return the caller identified by a token; None if the token is not valid.

    :param session: a cross-tenant session, because the token determines the tenant.
    :returns: the caller, and whether this use should be recorded.
    """
    row = session.execute(
        select(PortalToken.tenant_id, PortalToken.id, PortalToken.name, PortalToken.last_used_at).where(
            PortalToken.token_hash == hash_token(token), PortalToken.revoked_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        return None
    noted = row.last_used_at is not None and row.last_used_at > now - _USE_NOTED_EVERY
    return Caller(row.tenant_id, row.id, row.name), not noted


def record_use(session: Session, caller: Caller, *, now: datetime) -> None:
    """Record the use of a token, at most once a minute even for concurrent calls."""
    session.execute(
        update(PortalToken)
        .where(
            PortalToken.id == caller.token_id,
            or_(PortalToken.last_used_at.is_(None), PortalToken.last_used_at <= now - _USE_NOTED_EVERY),
        )
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )
