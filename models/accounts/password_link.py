"""One-time links with which a person sets a password. Not scoped: a link is a user's, not a tenant's.

Only a hash of the link's token is kept: the link itself is shown once, when it is made.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import audit
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import N_
from models.row_lock import lock
from models.tokens import hash_token

LIFETIME = timedelta(hours=24)
KEPT_FOR = timedelta(days=30)
"""How long after its time a link's row is kept, for whoever asks what became of it."""

NO_LINK = N_("This link is wrong, has expired or was used already.")


class PasswordLink(Base):
    """One link. It opens until it is used, revoked or past its time, whichever comes first."""

    __tablename__ = "password_link"
    __table_args__ = (Index("ix_password_link_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    # SHA-256 in hex. Fast on purpose: a token is 256 random bits, not a password somebody chose.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # By the database's clock: another link, password or address has taken its place, or the user may not sign in.
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    user: Mapped[Any] = relationship("User")


def issue(session: Session, user: Any, *, now: datetime, by: Actor) -> str:
    """Give a user a new link; one given before and not used opens no more.

    :param now: the link is valid for ``LIFETIME`` from here.
    :returns: the link's token, which is nowhere else.
    :raises Gone: somebody else deleted the user.
    """
    lock(session, user)
    revoke_all(session, user.id)
    token = secrets.token_urlsafe(32)
    session.add(PasswordLink(user_id=user.id, token_hash=hash_token(token), expires_at=now + LIFETIME))
    audit.record(session, "password_link.issued", ("User", user.id), by=by)
    return token


def is_open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What a link must meet to open."""
    return PasswordLink.used_at.is_(None), PasswordLink.revoked_at.is_(None), PasswordLink.expires_at > now


def open_link(session: Session, token: str, *, now: datetime) -> PasswordLink | None:
    """Look a link up without using it.

    :returns: the link, None when it is wrong, used, revoked, past its time or of a user who is switched off.
    """
    link = session.scalar(select(PasswordLink).where(PasswordLink.token_hash == hash_token(token), *is_open(now)))
    return link if link is not None and link.user.active else None


def revoke_all(session: Session, user_id: int) -> None:
    """Let the links of a user open no more.

    :param user_id: of a user whose row is locked, so that nobody is given another one at this moment.
    """
    session.execute(
        update(PasswordLink)
        .where(PasswordLink.user_id == user_id, PasswordLink.used_at.is_(None), PasswordLink.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )


def remove_old(session: Session, *, now: datetime) -> None:
    """Remove the links whose time has long been over."""
    session.execute(
        delete(PasswordLink)
        .where(PasswordLink.expires_at <= now - KEPT_FOR)
        .execution_options(synchronize_session=False)
    )
