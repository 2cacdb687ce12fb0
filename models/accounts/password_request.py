"""Requests of people who have forgotten their password (§12), waiting for the job that answers them.

A request is stored for every address that is typed, and only the job looks for its user: the response and its time are
the same whether or not there is one. Not scoped: a user belongs to no tenant.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Identity, String, Text, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import after_commit
from models.accounts import membership, password_link
from models.accounts.user import clean_email, find_by_email
from models.actor import Actor
from models.db import Base


class PasswordRequest(Base):
    """A request, deleted when it is answered."""

    __tablename__ = "password_request"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    # Without a limit of length: normalizing can make what was typed longer.
    email: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Where it came from, for the audit log.
    actor: Mapped[str] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str | None] = mapped_column(String(64))


def add(session: Session, email: str, *, now: datetime, by: Actor) -> None:
    """Store a request; it is answered after the commit.

    :param email: as typed, of a user or not.
    """
    values = {
        "email": clean_email(email),
        "created_at": now,
        "actor": by.name,
        "address": by.address,
        "request_id": by.request_id,
    }
    session.execute(insert(PasswordRequest).values(values))
    after_commit.register(session, after_commit.FORGOTTEN)


def answer_next(session: Session, *, portal_url: str, now: datetime) -> bool:
    """Answer the oldest request that nobody else is answering: mail a link if its address belongs to an active user.

    Users who may not sign in by password get none: a new password would be of no use to them.

    :param portal_url: the base URL of the link.
    :returns: False if there is no request.
    """
    oldest = select(PasswordRequest).order_by(PasswordRequest.id).limit(1)
    request = session.scalar(oldest.with_for_update(skip_locked=True))
    if request is None:
        return False
    user = find_by_email(session, request.email, locked=True)
    if user is not None and user.active and membership.allows_password(session, user.id):
        by = Actor(request.actor, address=request.address, request_id=request.request_id)
        password_link.send(session, user, portal_url=portal_url, now=now, by=by, forgotten=True)
    session.delete(request)
    session.flush()
    return True
