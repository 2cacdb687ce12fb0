"""追加項目 (§5.4.1, §8.2): a tenant's own extra questions on the application form, maintained by NEC staff."""

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
MAX_CHOICES = 50


class FieldKind(StrEnum):
    """The input type (形式): テキスト or 選択."""

    TEXT = "text"
    CHOICE = "choice"


class ApplicationField(Versioned, TenantScoped, Base):
    """One question. It is retired instead of deleted because answers refer to it."""

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
    # The position on the form, from 1. Meaningful only while the question is in use.
    position: Mapped[int]
    created_at: Mapped[CreatedAt]
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def in_use(session: Session) -> Sequence[ApplicationField]:
    """Return the questions on a new application, in order."""
    return session.scalars(
        select(ApplicationField)
        .where(ApplicationField.retired_at.is_(None))
        .order_by(ApplicationField.position, ApplicationField.id)
    ).all()


def every(session: Session) -> Sequence[ApplicationField]:
    """Return all questions: those in use in order, then the retired ones."""
    return session.scalars(
        select(ApplicationField).order_by(
            ApplicationField.retired_at.is_not(None),
            ApplicationField.position,
            ApplicationField.id,
        )
    ).all()
