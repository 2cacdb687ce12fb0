"""Sessions of people who are signed in. Not scoped: a session is a user's, not a tenant's.

The browser has a token in its signed cookie, the table a hash of it. A session ends when its row says so, however often
its cookie was copied (docs/adr/0011-sessions.md).
"""

from __future__ import annotations

from datetime import datetime, timedelta

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
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base, CreatedAt
from models.scope import all_tenants
from models.tokens import hash_token, new_token

KEPT_FOR = timedelta(days=30)
"""How long after its last use a session's row is kept, for whoever asks who was signed in. A cookie lives for hours."""

_PREFIX = "ses_"
# A page does not write each time just to say that it was opened.
_USE_NOTED_EVERY = timedelta(minutes=5)


class UserSession(Base):
    """One session, from signing in until it is revoked."""

    __tablename__ = "user_session"
    __table_args__ = (Index("ix_user_session_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # By the database's clock. Once set it stays: no revoked session comes back.
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def start(session: Session, user_id: int, *, now: datetime) -> str:
    """Start a session of a user.

    :returns: its token, which is nowhere else.
    """
    token = new_token(_PREFIX)
    session.add(UserSession(user_id=user_id, token_hash=hash_token(token), last_seen_at=now))
    session.flush()
    return token


def revoke(session: Session, token: str) -> None:
    """End the session of a token."""
    _revoke(session, UserSession.token_hash == hash_token(token))


def revoke_all(session: Session, user_id: int) -> None:
    """End every session of a user.

    :param user_id: of a user whose row is locked, so that nobody is signing in with it at this moment.
    """
    _revoke(session, UserSession.user_id == user_id)


def note_use(token: str, *, last_seen_at: datetime, now: datetime) -> None:
    """Keep when a session was used, every five minutes at most.

    In a transaction of its own: a request that only looks at something commits nothing.

    :param last_seen_at: what is kept so far.
    """
    if last_seen_at > now - _USE_NOTED_EVERY:
        return
    with all_tenants("a session is of no tenant") as session:
        session.execute(
            update(UserSession)
            .where(UserSession.token_hash == hash_token(token), UserSession.last_seen_at < now)
            .values(last_seen_at=now)
            .execution_options(synchronize_session=False)
        )
        session.commit()


def remove_old(session: Session, *, now: datetime) -> None:
    """Remove the sessions that have long not been used."""
    session.execute(
        delete(UserSession)
        .where(UserSession.last_seen_at <= now - KEPT_FOR)
        .execution_options(synchronize_session=False)
    )


def _revoke(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(
        update(UserSession)
        .where(which, UserSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )
