"""One-time links for setting a password. Not scoped: a link belongs to a user, not to a tenant.

Only a hash of the token is stored. The link itself is mailed to the user, or shown once on the command line.
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
from models.mail import outbox
from models.row_lock import lock
from models.tokens import hash_token

LIFETIME = timedelta(hours=24)
FORGOTTEN_LIFETIME = timedelta(hours=1)
"""The lifetime of a link that was requested by somebody who is not signed in (§12)."""
KEPT_FOR = timedelta(days=30)
"""How long the row of an expired link is kept, so that its history can be looked up."""

NO_LINK = N_("This link is invalid, has expired or has already been used.")


class PasswordLink(Base):
    """A password link. It is valid until it is used, revoked or expired, whichever comes first."""

    __tablename__ = "password_link"
    __table_args__ = (Index("ix_password_link_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    # SHA-256 in hex. A fast hash is enough: the token is 256 random bits, not a password chosen by a person.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # By the database's clock: replaced by another link, password or e-mail address, or the user was deactivated.
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    user: Mapped[Any] = relationship("User")


def issue(session: Session, user: Any, *, now: datetime, by: Actor, lifetime: timedelta = LIFETIME) -> str:
    """Issue a new link to a user and revoke the user's unused links.

    :param now: the start of the link's lifetime.
    :returns: the link's token, which is not stored anywhere.
    :raises Gone: the user was deleted concurrently.
    """
    lock(session, user)
    revoke_all(session, user.id)
    token = secrets.token_urlsafe(32)
    session.add(PasswordLink(user_id=user.id, token_hash=hash_token(token), expires_at=now + lifetime))
    audit.record(session, "password_link.issued", ("User", user.id), by=by)
    return token


def send(  # noqa: PLR0913  (a rule takes its settings and its clock as arguments)
    session: Session, user: Any, *, portal_url: str, now: datetime, by: Actor, forgotten: bool = False
) -> None:
    """Mail a user a new link, and revoke the user's unused links.

    :param portal_url: the base URL of the link.
    :param forgotten: whether somebody asked for it who is not signed in (§12); the link then has a shorter lifetime.
    :raises Gone: the user was deleted concurrently.
    """
    token = issue(session, user, now=now, by=by, lifetime=FORGOTTEN_LIFETIME if forgotten else LIFETIME)
    values = {"Email": user.email, "Url": url_of(token, portal_url=portal_url)}
    kind = "password_forgotten" if forgotten else "password_set_up"
    outbox.write(session, kind, user.email, values, now=now, secret=token)


def url_of(token: str, *, portal_url: str) -> str:
    """Return the URL of a link; ``PasswordSetupView`` has its route."""
    return f"{portal_url}/setup/{token}"


def is_open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a valid link meets."""
    return PasswordLink.used_at.is_(None), PasswordLink.revoked_at.is_(None), PasswordLink.expires_at > now


def open_link(session: Session, token: str, *, now: datetime) -> PasswordLink | None:
    """Look up a link without using it.

    :returns: the link, None when it is unknown, used, revoked or expired, or its user is inactive.
    """
    link = session.scalar(select(PasswordLink).where(PasswordLink.token_hash == hash_token(token), *is_open(now)))
    return link if link is not None and link.user.active else None


def revoke_all(session: Session, user_id: int) -> None:
    """Revoke all unused links of a user.

    :param user_id: the user, whose row the caller has locked so that no link is issued concurrently.
    """
    session.execute(
        update(PasswordLink)
        .where(PasswordLink.user_id == user_id, PasswordLink.used_at.is_(None), PasswordLink.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )


def remove_old(session: Session, *, now: datetime) -> None:
    """Delete links that expired longer than ``KEPT_FOR`` ago."""
    session.execute(
        delete(PasswordLink)
        .where(PasswordLink.expires_at <= now - KEPT_FOR)
        .execution_options(synchronize_session=False)
    )
