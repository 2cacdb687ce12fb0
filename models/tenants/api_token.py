"""The bearer tokens with which the customers' portal calls for a tenant. Only a hash is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, DateTime, Identity, Index, String, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit, scope
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.row_lock import lock, take_turns
from models.scope import TenantScoped
from models.tokens import hash_token, new_token
from models.versioned import Versioned, lock_version

NAME_LENGTH = 100
MOST_IN_FORCE = 10
"""How many a tenant may have: one a system that calls, and one more while it is being replaced."""

TAKEN_NAME = N_("This name is already used.")
TOO_MANY = N_("There are 10 tokens. Revoke one first.")
ENDED = N_("This token has been revoked.")

UNIQUE_ERRORS = {"uq_portal_token_name_in_force": ("name", TAKEN_NAME)}
"""The unique index that says so, whoever comes second."""

_PREFIX = "cst_"
# A call does not write each time just to say that it was made.
_USE_NOTED_EVERY = timedelta(minutes=1)


class PortalToken(Versioned, TenantScoped, Base):
    """One token, by the name people gave it. Reissued it stays the same row with another secret."""

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
    """Whose token a call came with."""

    tenant_id: str
    token_id: int
    name: str


def in_force(session: Session) -> Sequence[PortalToken]:
    """The tokens of the session's tenant that open."""
    return session.scalars(select(PortalToken).where(PortalToken.revoked_at.is_(None)).order_by(PortalToken.name)).all()


def create(session: Session, name: str, *, now: datetime, by: Actor) -> tuple[PortalToken, str]:
    """Make a token.

    :returns: its row, and the token itself, which is nowhere else.
    :raises DomainError: there are too many, or the name is used.
    """
    names = _names_in_force(session)
    if len(names) >= MOST_IN_FORCE:
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
    """Give a token another name.

    :param version: the version the person had before them.
    :raises Conflict: somebody else renamed it since.
    :raises DomainError: it is the same name, or another token's.
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
    """Give a token another secret; the one before opens no more.

    :returns: the new token itself, which is nowhere else.
    :raises DomainError: it was revoked.
    """
    lock(session, row)
    if row.revoked_at is not None:
        raise DomainError(ENDED)
    token = new_token(_PREFIX)
    row.token_hash, row.issued_at, row.last_used_at = hash_token(token), now, None
    audit.record(session, "portal_token.reissued", row, by=by, after={"name": row.name})
    return token


def revoke(session: Session, row: PortalToken, *, now: datetime, by: Actor) -> None:
    """End a token for good."""
    lock(session, row)
    if row.revoked_at is None:
        row.revoked_at = now
        audit.record(session, "portal_token.revoked", row, by=by, before={"name": row.name})


def _names_in_force(session: Session) -> Sequence[str]:
    """The names of the tenant's tokens that open, while nobody else makes or renames one."""
    take_turns(session, "portal_token", scope.own_tenant_id(session))
    return session.scalars(select(PortalToken.name).where(PortalToken.revoked_at.is_(None))).all()


def caller_of(session: Session, token: str, *, now: datetime) -> tuple[Caller, bool] | None:
    """Whose a token is, None when it opens nothing.

    :param session: one that crosses tenants: the token is what names its tenant.
    :returns: the caller, and whether this use is worth noting.
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


def note_use(session: Session, caller: Caller, *, now: datetime) -> None:
    """Keep when a token was used, at most once a minute however many calls come at once."""
    session.execute(
        update(PortalToken)
        .where(
            PortalToken.id == caller.token_id,
            or_(PortalToken.last_used_at.is_(None), PortalToken.last_used_at <= now - _USE_NOTED_EVERY),
        )
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )
