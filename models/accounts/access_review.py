"""The yearly review of the access ledger: who looked through all rights, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, DateTime, Identity, Integer, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit
from models.accounts.access_right import AccessRight
from models.actor import Actor
from models.db import Base

DUE_AFTER = timedelta(days=365)


class AccessReview(Base):
    """A review. Rows are only inserted and read."""

    __tablename__ = "access_review"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    reviewed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reviewed_by: Mapped[str] = mapped_column(String(320))
    # How many rows the ledger had.
    rights: Mapped[int] = mapped_column(Integer)


def newest(session: Session, *, most: int = 10) -> list[AccessReview]:
    """Return the last reviews, newest first."""
    return list(session.scalars(select(AccessReview).order_by(AccessReview.id.desc()).limit(most)))


def is_due(session: Session, *, now: datetime) -> bool:
    """Return whether the ledger is to be reviewed: it never was, or the last time was a year ago."""
    last = next(iter(newest(session, most=1)), None)
    return last is None or last.reviewed_at + DUE_AFTER <= now


def record(session: Session, *, now: datetime, by: Actor) -> AccessReview:
    """Record that a person has reviewed the ledger."""
    count = session.scalar(select(func.count()).select_from(AccessRight)) or 0
    review = AccessReview(reviewed_at=now, reviewed_by=by.name, rights=count)
    session.add(review)
    session.flush()
    audit.record(session, "access_review.recorded", review, by=by, after={"rights": count})
    return review
