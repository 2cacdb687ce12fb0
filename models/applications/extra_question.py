"""追加項目 (§5.4.1, §8.2): a tenant's own extra questions on the application form. NEC staff keep them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base, CreatedAt
from models.scope import TenantScoped
from models.versioned import Versioned

TITLE_LENGTH = 100
CHOICE_LENGTH = 100
MOST_CHOICES = 50


class FieldKind(StrEnum):
    """形式: テキスト or 選択."""

    TEXT = "text"
    CHOICE = "choice"


class ApplicationField(Versioned, TenantScoped, Base):
    """One question. It is retired, never deleted: answers refer to it."""

    __tablename__ = "application_field"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index(
            "uq_application_field_title_in_use",
            "tenant_id",
            "title",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
        CheckConstraint("kind IN ('text', 'choice')", name="ck_application_field_kind"),
        CheckConstraint("(kind = 'choice') = (cardinality(choices) > 0)", name="ck_application_field_choices"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    required: Mapped[bool]
    kind: Mapped[str] = mapped_column(String(8))
    choices: Mapped[list[str]] = mapped_column(ARRAY(String(CHOICE_LENGTH)), server_default="{}")
    # Its place on the form, from 1; those in use only.
    position: Mapped[int]
    created_at: Mapped[CreatedAt]
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def in_use(session: Session) -> Sequence[ApplicationField]:
    """The questions a new application is asked, in their order."""
    return session.scalars(
        select(ApplicationField)
        .where(ApplicationField.retired_at.is_(None))
        .order_by(ApplicationField.position, ApplicationField.id)
    ).all()


def every(session: Session) -> Sequence[ApplicationField]:
    """All questions ever asked: those in use in their order, then the retired ones."""
    return session.scalars(
        select(ApplicationField).order_by(
            ApplicationField.retired_at.is_not(None),
            ApplicationField.position,
            ApplicationField.id,
        )
    ).all()
