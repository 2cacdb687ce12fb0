"""Sessions of signed-in users. Not scoped: a session belongs to a user, not to a tenant.

The signed cookie contains a token, the table a hash of it. A session ends when its row is revoked, no matter how often
the cookie was copied (docs/adr/0011-sessions.md).
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
    and_,
    delete,
    func,
    or_,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base, CreatedAt
from models.scope import all_tenants
from models.tokens import hash_token, new_token

KEPT_FOR = timedelta(days=30)
"""How long a session's row is kept after its last use, to show who was signed in. The cookie itself lives for hours."""

SINGLE_SIGN_ON_LASTS = timedelta(hours=12)
"""How long a session of a single sign-on can be used: an account may have been disabled at the provider meanwhile."""

_PREFIX = "ses_"
# Not every request should write to the database just to record that the session is in use.
_USE_NOTED_EVERY = timedelta(minutes=5)


class UserSession(Base):
    """A session, from sign-in until it is revoked."""

    __tablename__ = "user_session"
    __table_args__ = (
        Index("ix_user_session_user_id", "user_id"),
        Index("ix_user_session_tenant_id", "tenant_id", postgresql_where=text("tenant_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # The only tenant that the session may enter: that of the single sign-on which started it. None for a password.
    tenant_id: Mapped[str | None] = mapped_column(String(8), ForeignKey("tenant.id"))
    # By the database's clock. Never cleared: a revoked session cannot be resumed.
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def start(session: Session, user_id: int, *, now: datetime, tenant_id: str | None = None) -> str:
    """Start a session for a user.

    :param tenant_id: the only tenant that the session may enter; None for all of the user's that allow a password.
    :returns: its token, which is not stored anywhere.
    """
    token = new_token(_PREFIX)
    session.add(UserSession(user_id=user_id, token_hash=hash_token(token), last_seen_at=now, tenant_id=tenant_id))
    session.flush()
    return token


def is_open() -> ColumnElement[bool]:
    """Return the condition that a session has not ended, by the database's clock."""
    started_by_password = UserSession.tenant_id.is_(None)
    return and_(
        UserSession.revoked_at.is_(None),
        or_(started_by_password, UserSession.created_at > func.now() - SINGLE_SIGN_ON_LASTS),
    )


def revoke(session: Session, token: str) -> None:
    """Revoke the session with a token."""
    _revoke(session, UserSession.token_hash == hash_token(token))


def revoke_all(session: Session, user_id: int, *, but: str | None = None) -> None:
    """Revoke every session of a user.

    :param user_id: the user, whose row the caller has locked so that no session is started concurrently.
    :param but: the token of a session that goes on, None for none.
    """
    which = UserSession.user_id == user_id
    if but is not None:
        which &= UserSession.token_hash != hash_token(but)
    _revoke(session, which)


def revoke_of_tenant(session: Session, tenant_id: str) -> None:
    """Revoke every session that was started by the single sign-on of a tenant."""
    _revoke(session, UserSession.tenant_id == tenant_id)


def note_use(token: str, *, last_seen_at: datetime, now: datetime) -> None:
    """Record that a session is in use, at most every five minutes.

    It has its own transaction because read-only requests do not commit.

    :param last_seen_at: the stored time of the last use.
    """
    if last_seen_at > now - _USE_NOTED_EVERY:
        return
    with all_tenants("sessions do not belong to a tenant") as session:
        session.execute(
            update(UserSession)
            .where(UserSession.token_hash == hash_token(token), UserSession.last_seen_at < now)
            .values(last_seen_at=now)
            .execution_options(synchronize_session=False)
        )
        session.commit()


def remove_old(session: Session, *, now: datetime) -> None:
    """Delete sessions that were last used longer than ``KEPT_FOR`` ago."""
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
