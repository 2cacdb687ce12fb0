"""チケット (§11): a partner's question to NEC, and the messages of its thread."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Sequence,
    String,
    UniqueConstraint,
    case,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db import Base
from models.numbering import next_number
from models.scope import TenantScoped
from models.versioned import Versioned

TITLE_LENGTH = 100
BODY_LENGTH = 5_000
NAME_LENGTH = 200

ticket_number = Sequence("ticket_number", start=1, maxvalue=9999999)


class Service(StrEnum):
    """What a ticket is about (サービス); the manual has one."""

    PARTNER_PORTAL = "partner_portal"


class Kind(StrEnum):
    """The kind of a ticket (問合せ種別)."""

    QUESTION = "question"
    WORK = "work"
    INCIDENT = "incident"
    OTHER = "other"


class Priority(StrEnum):
    """The priority (優先度)."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class State(StrEnum):
    """The state (ステータス). ``waiting`` is waiting for the partner's answer."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"


FOR_NEC = (State.OPEN, State.IN_PROGRESS)
"""The states in which NEC has to act next."""


class Ticket(Versioned, TenantScoped, Base):
    """One ticket. Its text is the first message of the thread.

    :ivar asked_at: since when NEC has to act; None while it does not.
    :ivar author_id: the user who created it; None once that user is deleted.
    :ivar alert_seq: with ``alert_at`` and ``customer_id`` the alert that it is about. No foreign key: alerts are dropped
        with their partition when they are too old.
    :ivar alert_id: the alert ID as displayed, also when the alert is gone.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        ForeignKeyConstraint(["tenant_id", "utm_id"], ["utm.tenant_id", "utm.id"]),
        CheckConstraint("id ~ '^TC[0-9]{7}$'", name="ck_ticket_id"),
        CheckConstraint("service IN ('partner_portal')", name="ck_ticket_service"),
        CheckConstraint("kind IN ('question', 'work', 'incident', 'other')", name="ck_ticket_kind"),
        CheckConstraint("priority IN ('high', 'normal', 'low')", name="ck_ticket_priority"),
        CheckConstraint("state IN ('open', 'in_progress', 'waiting', 'resolved', 'closed')", name="ck_ticket_state"),
        CheckConstraint(
            "(asked_at IS NOT NULL) = (state IN ('open', 'in_progress'))",
            name="ck_ticket_asked_at",
        ),
        Index("ix_ticket_tenant_id_created_at", "tenant_id", "created_at"),
        Index("ix_ticket_asked_at", "asked_at", postgresql_where=text("asked_at IS NOT NULL")),
        Index("ix_ticket_tenant_id_customer_id", "tenant_id", "customer_id"),
        Index("ix_ticket_tenant_id_utm_id", "tenant_id", "utm_id"),
        Index("ix_ticket_assignee_id", "assignee_id"),
        Index("ix_ticket_author_id", "author_id"),
    )

    id: Mapped[str] = mapped_column(
        String(9),
        primary_key=True,
        insert_sentinel=True,
        server_default=next_number("TC", "ticket_number", digits=7),
    )
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    service: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    priority: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), server_default=State.OPEN.value)
    asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    author_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="SET NULL"))
    author_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    assignee_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="SET NULL"))
    customer_id: Mapped[str | None] = mapped_column(String(9))
    utm_id: Mapped[int | None] = mapped_column(BigInteger)
    alert_seq: Mapped[int | None] = mapped_column(BigInteger)
    alert_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    alert_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    assignee: Mapped[Any] = relationship("User", foreign_keys=[assignee_id], viewonly=True)


class TicketMessage(TenantScoped, Base):
    """One message of a ticket's thread. Messages are never changed.

    :ivar by_nec: whether NEC's staff wrote it as an answer.
    """

    __tablename__ = "ticket_message"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "ticket_id"], ["ticket.tenant_id", "ticket.id"]),
        Index("ix_ticket_message_ticket_id", "ticket_id", "id"),
        Index("ix_ticket_message_author_id", "author_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(String(9))
    author_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="SET NULL"))
    author_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    by_nec: Mapped[bool]
    body: Mapped[str] = mapped_column(String(BODY_LENGTH))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


PRIORITY_RANK = case({Priority.HIGH.value: 0, Priority.NORMAL.value: 1}, value=Ticket.priority, else_=2)
"""The expression that sorts tickets by priority, the most urgent first."""

QUEUE_ORDER = (Ticket.asked_at.is_(None), PRIORITY_RANK, Ticket.asked_at, Ticket.updated_at.desc(), Ticket.id)
"""The order of the staff queue: what NEC has to act on, the most urgent and then the longest waiting first; then the rest."""
