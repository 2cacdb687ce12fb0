"""One-time links with which a person sets a password. Not scoped: a link is a user's, not a tenant's.

Only a hash of the link's token is kept: the link itself is shown once, when it is made.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, Integer, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import audit
from models.accounts import password_policy
from models.accounts.user import set_password
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import N_, DomainError
from models.row_lock import lock
from models.tokens import hash_token

LIFETIME = timedelta(hours=24)
KEPT_FOR = timedelta(days=30)
"""How long after its time a link's row is kept, for whoever asks what became of it."""

NO_LINK = N_("This link is wrong, has expired or was used already.")


class PasswordLink(Base):
    """One link. It opens until it is used or its time is over, whichever comes first."""

    __tablename__ = "password_link"
    __table_args__ = (Index("ix_password_link_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    # SHA-256 in hex. Fast on purpose: a token is 256 random bits, not a password somebody chose.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    user: Mapped[Any] = relationship("User")


def issue(session: Session, user: Any, *, now: datetime, by: Actor) -> str:
    """Give a user a new link; one given before and not used opens no more.

    :param now: the link is valid for ``LIFETIME`` from here.
    :returns: the link's token, which is nowhere else.
    :raises Gone: somebody else deleted the user.
    """
    lock(session, user)
    session.execute(
        update(PasswordLink)
        .where(PasswordLink.user_id == user.id, PasswordLink.used_at.is_(None), PasswordLink.expires_at > now)
        .values(expires_at=now)
        .execution_options(synchronize_session=False)
    )
    token = secrets.token_urlsafe(32)
    session.add(PasswordLink(user_id=user.id, token_hash=hash_token(token), expires_at=now + LIFETIME))
    audit.record(session, "password_link.issued", ("User", user.id), by=by)
    return token


def open_link(session: Session, token: str, *, now: datetime) -> PasswordLink | None:
    """Look a link up without using it.

    :returns: the link, None when it is wrong, used, past its time or of a user who is switched off.
    """
    link = session.scalar(
        select(PasswordLink).where(
            PasswordLink.token_hash == hash_token(token),
            PasswordLink.used_at.is_(None),
            PasswordLink.expires_at > now,
        )
    )
    return link if link is not None and link.user.active else None


def use(session: Session, token: str, password: str, *, now: datetime, by: Actor) -> Any:
    """Set the password of a link's user, once.

    :param password: as it was typed.
    :returns: the user.
    :raises DomainError: the link opens nothing (field None), or the password may not be used (field ``password``);
        the link can be used after the latter.
    """
    link = open_link(session, token, now=now)
    if link is None:
        raise DomainError(NO_LINK)
    password_policy.check(password, link.user.email)
    # The look above was for the words; this decides. Of two who use the link at once, the second waits here for the
    # first, and then finds it used.
    used = session.execute(
        update(PasswordLink)
        .where(PasswordLink.id == link.id, PasswordLink.used_at.is_(None), PasswordLink.expires_at > now)
        .values(used_at=now)
        .returning(PasswordLink.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if used is None:
        raise DomainError(NO_LINK)
    set_password(session, link.user, password, by=by)
    return link.user


def remove_old(session: Session, *, now: datetime) -> None:
    """Remove the links whose time has long been over."""
    session.execute(
        delete(PasswordLink)
        .where(PasswordLink.expires_at <= now - KEPT_FOR)
        .execution_options(synchronize_session=False)
    )
