"""Keys of submitted forms: a form that is submitted twice takes effect once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Integer, String, delete, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base, CreatedAt

KEPT_FOR = timedelta(days=1)
"""How long the key of a form is kept. Nobody resubmits the same page by accident after that."""


class FormKey(Base):
    """A submitted form with its response.

    :ivar digest: a hash of the form's one-time key, its URL path and its content.
    """

    __tablename__ = "form_key"

    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[CreatedAt]
    location: Mapped[str | None]
    messages: Mapped[list[list[str]] | None] = mapped_column(JSONB)


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a form: the redirect location and the messages shown there."""

    location: str | None
    messages: list[list[str]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A form that is being processed.

    :param first: the response to the first submission; None if this is the first.
    """

    user_id: int
    digest: str
    first: Answer | None


def claim(session: Session, user_id: int, digest: str) -> Claim:
    """Claim a form. A concurrent second submission waits for the end of the first one's transaction.

    If the first transaction is rolled back, the second one processes the form.
    """
    added = session.execute(
        insert(FormKey).values(user_id=user_id, digest=digest).on_conflict_do_nothing().returning(FormKey.digest)
    ).first()
    if added is not None:
        return Claim(user_id, digest, None)
    found = session.execute(
        select(FormKey.location, FormKey.messages).where(FormKey.user_id == user_id, FormKey.digest == digest)
    ).first()
    return Claim(user_id, digest, Answer(found.location, found.messages or []) if found else Answer(None, []))


def record_answer(session: Session, claimed: Claim, location: str | None, messages: list[tuple[str, str]]) -> None:
    """Store the response to the first submission, for repeated submissions.

    :param messages: the category and text of each message.
    """
    session.execute(
        update(FormKey)
        .where(FormKey.user_id == claimed.user_id, FormKey.digest == claimed.digest)
        .values(location=location, messages=[list(each) for each in messages])
    )


def remove_old(session: Session, *, now: datetime) -> int:
    """Delete the keys of forms submitted longer than ``KEPT_FOR`` ago; return how many there were."""
    removed = session.execute(delete(FormKey).where(FormKey.created_at < now - KEPT_FOR).returning(FormKey.digest))
    return len(removed.all())
