"""Where a tenant's notifications go (§5.4.2): up to three addresses, each in force only once its mailbox has confirmed it.

A slot (メールアドレス, 2 and 3) holds the address in force. A new one is a request: a link mailed to it, open until it is
used, replaced by a newer one or past its time. What may be done with both is in ``models.notifications.address_rules``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
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
    SmallInteger,
    String,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.db import Base
from models.mail.outbox import MailMessage, MailState
from models.scope import TenantScoped

SLOTS = (1, 2, 3)
"""The slots of every tenant; the first must have an address."""


class NotificationAddress(TenantScoped, Base):
    """One slot of a tenant, and the address in force there, None for none."""

    __tablename__ = "notification_address"
    __table_args__ = (
        CheckConstraint("slot BETWEEN 1 AND 3", name="ck_notification_address_slot"),
        CheckConstraint("(address IS NULL) = (confirmed_at IS NULL)", name="ck_notification_address_confirmed"),
    )

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    address: Mapped[str | None] = mapped_column(String(254))
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Two people editing: the second is told. Counts what people save; a mailbox that confirms disturbs nobody.
    version: Mapped[int] = mapped_column(server_default="0")


class LinkState(StrEnum):
    """What a link is good for."""

    OPEN = "open"
    USED = "used"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class AddressLink(TenantScoped, Base):
    """A request to put an address into force, and the link mailed to it. Only a hash of its token is kept."""

    __tablename__ = "address_link"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "slot"], ["notification_address.tenant_id", "notification_address.slot"], ondelete="CASCADE"
        ),
        Index("ix_address_link_tenant_id_requested_at", "tenant_id", "requested_at"),
        # One request per slot waits or has expired; the others are over.
        Index(
            "uq_address_link_waiting",
            "tenant_id",
            "slot",
            unique=True,
            postgresql_where=text("used_at IS NULL AND superseded_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger)
    address: Mapped[str] = mapped_column(String(254))
    # SHA-256 in hex. Fast on purpose: a token is 256 random bits, not a password somebody chose.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # By a newer request, or because the address was taken out again.
    superseded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def state(self, *, now: datetime) -> LinkState:
        """What the link is good for at a moment."""
        if self.used_at is not None:
            return LinkState.USED
        if self.superseded_at is not None and self.superseded_at < self.expires_at:
            return LinkState.SUPERSEDED
        return LinkState.OPEN if now < self.expires_at else LinkState.EXPIRED


@dataclass(frozen=True, slots=True)
class Slot:
    """How one slot stands.

    :param address: the one in force, None for none.
    :param asked_for: the address that has not confirmed yet, None when none was asked for.
    :param asked_until: until when its link can be used.
    :param waiting: its link can still be used.
    :param undelivered: those of the two whose newest mail could not be delivered.
    """

    number: int
    address: str | None = None
    confirmed_at: datetime | None = None
    asked_for: str | None = None
    asked_until: datetime | None = None
    waiting: bool = False
    undelivered: frozenset[str] = frozenset()

    @property
    def set_to(self) -> str:
        """What people have set the slot to, empty for nothing: the address asked for while it waits, else the one in
        force. A request past its time has come to nothing.
        """
        return (self.asked_for if self.waiting else self.address) or ""


@dataclass(frozen=True, slots=True)
class AddressStatus:
    """How the addresses of a tenant stand.

    :param version: moves with everything that people save.
    """

    slots: Sequence[Slot]
    version: int


def clean(typed: str) -> str:
    """The form in which an address is stored and compared: half width, no surrounding blanks, domain in lower case.

    The part before the @ stays as it was typed. Mail goes there, nobody signs in with it, and whether its case matters
    is the receiving server's business (RFC 5321, 2.4).

    >>> clean(" Tsuchi@EXAMPLE.jp")
    'Tsuchi@example.jp'
    """
    local, at, domain = unicodedata.normalize("NFKC", typed).strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def in_force(session: Session, tenant_id: str) -> list[str]:
    """The addresses a tenant's notifications go to, each once."""
    found = session.scalars(
        select(NotificationAddress.address)
        .where(NotificationAddress.tenant_id == tenant_id, NotificationAddress.address.is_not(None))
        .order_by(NotificationAddress.slot)
    )
    each_once: dict[str, str] = {}
    for address in filter(None, found):
        each_once.setdefault(address.lower(), address)
    return list(each_once.values())


def address_status(session: Session, tenant_id: str, *, now: datetime) -> AddressStatus:
    """How the addresses of a tenant stand, in one statement."""
    asked = aliased(AddressLink)
    rows = session.execute(
        select(
            NotificationAddress.slot,
            NotificationAddress.address,
            NotificationAddress.confirmed_at,
            NotificationAddress.version,
            asked.address.label("asked_for"),
            asked.expires_at,
            _newest_mail(NotificationAddress.address).label("mail"),
            _newest_mail(asked.address).label("asked_mail"),
        )
        .outerjoin(
            asked,
            (asked.tenant_id == NotificationAddress.tenant_id)
            & (asked.slot == NotificationAddress.slot)
            & asked.used_at.is_(None)
            & asked.superseded_at.is_(None),
        )
        .where(NotificationAddress.tenant_id == tenant_id)
    ).all()
    found = {row.slot: _slot(row, now) for row in rows}
    return AddressStatus([found.get(number) or Slot(number) for number in SLOTS], sum(row.version for row in rows))


def _newest_mail(address: Any) -> Any:
    """What became of the newest mail of the tenant to an address."""
    return (
        select(MailMessage.state)
        .where(MailMessage.tenant_id == NotificationAddress.tenant_id, MailMessage.recipient == address)
        .order_by(MailMessage.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _slot(row: Any, now: datetime) -> Slot:
    failed = {row.address: row.mail, row.asked_for: row.asked_mail}
    return Slot(
        row.slot,
        row.address,
        row.confirmed_at,
        row.asked_for,
        row.expires_at,
        waiting=row.expires_at is not None and now < row.expires_at,
        undelivered=frozenset(address for address, state in failed.items() if state == MailState.FAILED),
    )
