"""Sessions of signed-in users. Not scoped: a session belongs to a user, not to a tenant.

The signed cookie contains a token, the table a hash of it. A session ends when its row is revoked, no matter how often
the cookie was copied (docs/adr/0011-sessions.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

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
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit
from models.actor import Actor
from models.db import Base, CreatedAt
from models.scope import all_tenants
from models.tokens import hash_token, new_token

KEPT_FOR = timedelta(days=30)
"""How long a session's row is kept after its last use, to show who was signed in. The cookie itself lives for hours."""

USER_AGENT_LENGTH = 300

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
    # Of the sign-in.
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(USER_AGENT_LENGTH))
    # The only tenant that the session may enter: that of the single sign-on which started it. None for a password.
    tenant_id: Mapped[str | None] = mapped_column(String(8), ForeignKey("tenant.id"))
    # The tenant that NEC staff have entered, when and why. A cookie from before they left it leads there no more.
    entered_tenant_id: Mapped[str | None] = mapped_column(String(8))
    entered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    entry_reason: Mapped[str | None] = mapped_column(String(255))
    # By the database's clock. Never cleared: a revoked session cannot be resumed.
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def start(session: Session, user_id: int, *, now: datetime, tenant_id: str | None = None) -> str:
    """Start a session for a user.

    :param tenant_id: the only tenant that the session may enter; None for all of the user's that allow a password.
    :returns: its token, which is not stored anywhere.
    """
    token = new_token(_PREFIX)
    row = UserSession(
        user_id=user_id, token_hash=hash_token(token), created_at=now, last_seen_at=now, tenant_id=tenant_id
    )
    session.add(row)
    session.flush()
    return token


@dataclass(frozen=True, slots=True)
class Timeouts:
    """When sessions end by themselves.

    :ivar idle: how long after the last use, to within five minutes.
    :ivar absolute: how long after the sign-in.
    """

    idle: timedelta
    absolute: timedelta

    def end(self, *, started_at: datetime, last_seen_at: datetime) -> datetime:
        """Return when a session ends if it is not used again."""
        return min(last_seen_at + self.idle, started_at + self.absolute)


def record_origin(session: Session, token: str, *, ip_address: str | None, user_agent: str) -> None:
    """Store where a session was started.

    :param user_agent: how the browser describes itself.
    """
    session.execute(
        update(UserSession)
        .where(UserSession.token_hash == hash_token(token))
        .values(ip_address=ip_address, user_agent=user_agent[:USER_AGENT_LENGTH])
        .execution_options(synchronize_session=False)
    )


class Entry(NamedTuple):
    """The entry of NEC staff into a tenant."""

    tenant_id: str
    at: datetime
    reason: str


def enter_tenant(session: Session, token: str, entry: Entry | None) -> None:
    """Store which tenant NEC staff have entered in a session; they have left the tenant before.

    :param entry: None if they are in no tenant any more.
    """
    tenant_id, at, reason = entry or (None, None, None)
    session.execute(
        update(UserSession)
        .where(UserSession.token_hash == hash_token(token))
        .values(entered_tenant_id=tenant_id, entered_at=at, entry_reason=reason)
        .execution_options(synchronize_session=False)
    )


def active(session: Session, user_id: int, *, timeouts: Timeouts, now: datetime) -> list[UserSession]:
    """Return the sessions of a user that have not ended, the last used first."""
    return list(
        session.scalars(
            select(UserSession)
            .where(
                UserSession.user_id == user_id,
                UserSession.revoked_at.is_(None),
                UserSession.last_seen_at > now - timeouts.idle,
                UserSession.created_at > now - timeouts.absolute,
            )
            .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
        )
    )


def end_one(session: Session, user_id: int, session_id: int, *, by: Actor) -> bool:
    """End one session of a user.

    :returns: whether there was such a session.
    """
    ended = session.scalar(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    )
    if ended is not None:
        audit.record(session, "session.ended", ("User", user_id), by=by)
    return ended is not None


def end_others(session: Session, user_id: int, token: str, *, by: Actor) -> None:
    """End all sessions of a user but the one with a token."""
    revoke_all(session, user_id, but=token)
    audit.record(session, "session.others_ended", ("User", user_id), by=by)


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


def record_use(token: str, *, last_seen_at: datetime, now: datetime) -> datetime:
    """Record that a session is in use, at most every five minutes.

    It has its own transaction because read-only requests do not commit.

    :param last_seen_at: the stored time of the last use.
    :returns: the time stored now.
    """
    if last_seen_at > now - _USE_NOTED_EVERY:
        return last_seen_at
    with all_tenants("sessions do not belong to a tenant") as session:
        session.execute(
            update(UserSession)
            .where(UserSession.token_hash == hash_token(token), UserSession.last_seen_at < now)
            .values(last_seen_at=now)
            .execution_options(synchronize_session=False)
        )
        session.commit()
    return now


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
