"""お知らせ (§10): announcements from NEC to its partners.

They belong to no tenant. The tenants that an announcement is meant for are a column of it, so that its version, its edit
conflicts and its audit entries cover them too. Tenants are never deleted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    and_,
    any_,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base, CreatedAt
from models.versioned import Versioned

TITLE_LENGTH = 100
BODY_LENGTH = 5_000


class State(StrEnum):
    """Whether the tenants see an announcement: not yet published, before, in or after its display period."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SHOWN = "shown"
    ENDED = "ended"


class Announcement(Versioned, Base):
    """One announcement.

    :ivar starts_on: the first day of the display period, in Asia/Tokyo.
    :ivar ends_on: the last day; None for no end.
    :ivar important: whether it is listed before the others.
    :ivar tenant_ids: the tenants that it is meant for; None for all.
    :ivar published_at: None for a draft.
    """

    __tablename__ = "announcement"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="ck_announcement_period"),
        CheckConstraint("cardinality(tenant_ids) > 0", name="ck_announcement_tenant_ids"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    body: Mapped[str] = mapped_column(String(BODY_LENGTH))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    important: Mapped[bool] = mapped_column(server_default="false")
    tenant_ids: Mapped[list[str] | None] = mapped_column(ARRAY(String(8)))
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[CreatedAt]

    def state(self, today: date) -> State:
        """Return the state on a day."""
        if self.published_at is None:
            return State.DRAFT
        if self.starts_on > today:
            return State.SCHEDULED
        return State.ENDED if self.ends_on is not None and self.ends_on < today else State.SHOWN


class AnnouncementRead(Base):
    """That a user opened an announcement."""

    __tablename__ = "announcement_read"
    __table_args__ = (Index("ix_announcement_read_user_id", "user_id"),)

    announcement_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    read_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


NEWEST_FIRST = (Announcement.important.desc(), Announcement.starts_on.desc(), Announcement.id.desc())
"""The order of the list: important ones first, then by day."""


def in_state(state: str, *, today: date) -> Any:
    """Return the SQL condition that an announcement is in a state on a day."""
    ended = Announcement.ends_on < today
    return {
        State.DRAFT: Announcement.published_at.is_(None),
        State.SCHEDULED: and_(Announcement.published_at.is_not(None), Announcement.starts_on > today),
        State.SHOWN: and_(Announcement.published_at.is_not(None), Announcement.starts_on <= today, ended.is_not(True)),
        State.ENDED: and_(Announcement.published_at.is_not(None), ended),
    }[State(state)]


def visible_to(tenant_id: str, *, today: date) -> Any:
    """Return the SQL condition that the users of a tenant see an announcement on a day."""
    meant = or_(Announcement.tenant_ids.is_(None), literal(tenant_id) == any_(Announcement.tenant_ids))
    return and_(in_state(State.SHOWN, today=today), meant)


class Headline(NamedTuple):
    """An announcement in a short list."""

    id: int
    title: str
    starts_on: date
    important: bool
    read: bool


def headlines(session: Session, tenant_id: str, user_id: int, *, today: date, limit: int) -> list[Headline]:
    """Return the first announcements of a tenant's list, with whether a user has read them."""
    read = and_(AnnouncementRead.announcement_id == Announcement.id, AnnouncementRead.user_id == user_id)
    statement = (
        select(
            Announcement.id,
            Announcement.title,
            Announcement.starts_on,
            Announcement.important,
            AnnouncementRead.user_id.is_not(None),
        )
        .outerjoin(AnnouncementRead, read)
        .where(visible_to(tenant_id, today=today))
        .order_by(*NEWEST_FIRST)
        .limit(limit)
    )
    return [Headline(*row) for row in session.execute(statement)]


def read_among(session: Session, user_id: int, keys: Collection[int]) -> set[int]:
    """Return the keys of the announcements that a user has read, out of the given ones."""
    if not keys:
        return set()
    return set(
        session.scalars(
            select(AnnouncementRead.announcement_id).where(
                AnnouncementRead.user_id == user_id, AnnouncementRead.announcement_id.in_(keys)
            )
        )
    )


def record_read(session: Session, key: int, user_id: int, *, now: datetime) -> None:
    """Note that a user opened an announcement; only the first time counts. Has no effect if it was deleted meanwhile."""
    found = (
        select(Announcement.id, literal(user_id, Integer), literal(now, DateTime(timezone=True)))
        .where(Announcement.id == key)
        .with_for_update(read=True, key_share=True)
    )
    columns = ["announcement_id", "user_id", "read_at"]
    session.execute(insert(AnnouncementRead).from_select(columns, found).on_conflict_do_nothing())
