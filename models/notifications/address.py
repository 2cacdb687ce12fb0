"""Notification addresses (§5.4.2): up to three e-mail addresses per tenant, each used only once it was confirmed.

A slot (メールアドレス, 2 and 3) holds the confirmed address. A new address starts as a request: a link is mailed to it,
valid until it is used, superseded by a newer one or expired. The rules are in ``models.notifications.address_rules``.
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
from models.mail.returned import was_delivered, was_refused
from models.scope import TenantScoped

SLOTS = (1, 2, 3)
"""The slots of every tenant. The first one is required."""


class NotificationAddress(TenantScoped, Base):
    """A slot of a tenant with its confirmed e-mail address, None if there is none."""

    __tablename__ = "notification_address"
    __table_args__ = (
        CheckConstraint("slot BETWEEN 1 AND 3", name="ck_notification_address_slot"),
        CheckConstraint("(address IS NULL) = (confirmed_at IS NULL)", name="ck_notification_address_confirmed"),
    )

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    address: Mapped[str | None] = mapped_column(String(254))
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # For optimistic locking. Incremented when people save, but not by a confirmation, which conflicts with nobody.
    version: Mapped[int] = mapped_column(server_default="0")


class LinkState(StrEnum):
    """The state of a link."""

    OPEN = "open"
    USED = "used"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class AddressLink(TenantScoped, Base):
    """A request to use an e-mail address, with the link mailed to it. Only a hash of the link's token is stored."""

    __tablename__ = "address_link"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "slot"], ["notification_address.tenant_id", "notification_address.slot"], ondelete="CASCADE"
        ),
        Index("ix_address_link_tenant_id_requested_at", "tenant_id", "requested_at"),
        # A slot has at most one request that is open or expired; all others were used or superseded.
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
    # SHA-256 in hex. A fast hash is enough: the token is 256 random bits, not a password chosen by a person.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Set when a newer request replaces this one, or when it is withdrawn.
    superseded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def state(self, *, now: datetime) -> LinkState:
        """Return the state of the link at a time."""
        if self.used_at is not None:
            return LinkState.USED
        if self.superseded_at is not None and self.superseded_at < self.expires_at:
            return LinkState.SUPERSEDED
        return LinkState.OPEN if now < self.expires_at else LinkState.EXPIRED


@dataclass(frozen=True, slots=True)
class Slot:
    """The status of a slot.

    :param address: the confirmed e-mail address, None for none.
    :param asked_for: the requested address that is not confirmed yet, None for none.
    :param asked_until: when its link expires.
    :param waiting: whether its link is still valid.
    :param undelivered: which of the two addresses do not work: the newest mail could not be sent, or one was returned.
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
        """The address people have entered, empty for none: the requested one while its link is valid, otherwise the
        confirmed one.
        """
        return (self.asked_for if self.waiting else self.address) or ""


@dataclass(frozen=True, slots=True)
class AddressStatus:
    """The status of all addresses of a tenant.

    :param version: changes whenever people save.
    """

    slots: Sequence[Slot]
    version: int


def clean(typed: str) -> str:
    """Normalize an e-mail address: half width, no surrounding blanks, domain in lower case.

    The local part keeps its case: these addresses only receive mail and are not used to sign in, and whether the case
    matters is up to the receiving server (RFC 5321, 2.4).

    >>> clean(" Tsuchi@EXAMPLE.jp")
    'Tsuchi@example.jp'
    """
    local, at, domain = unicodedata.normalize("NFKC", typed).strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def in_force(session: Session, tenant_id: str) -> list[str]:
    """Return the distinct e-mail addresses that a tenant's notifications are sent to."""
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
    """Return the status of a tenant's addresses, read in one statement."""
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
            _returned(NotificationAddress.address, now).label("returned"),
            _returned(asked.address, now).label("asked_returned"),
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
    """Select the state of the newest mail from the tenant to an e-mail address."""
    return (
        select(MailMessage.state)
        .where(MailMessage.tenant_id == NotificationAddress.tenant_id, MailMessage.recipient == address)
        .order_by(MailMessage.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _returned(address: Any, now: datetime) -> Any:
    """Select whether a mail from the tenant to an e-mail address was refused for good and none was delivered since."""
    later = aliased(MailMessage)
    own = (MailMessage.tenant_id == NotificationAddress.tenant_id, MailMessage.recipient == address)
    delivered = (
        select(later.id)
        .where(
            later.tenant_id == NotificationAddress.tenant_id,
            later.recipient == address,
            later.id > MailMessage.id,
            was_delivered(now=now, mail=later),
        )
        .correlate_except(later)
    )
    refused = select(MailMessage.id).where(
        *own, MailMessage.returned_at.is_not(None), was_refused(), ~delivered.exists()
    )
    return refused.exists()


def _slot(row: Any, now: datetime) -> Slot:
    failed = {
        address: state == MailState.FAILED or returned
        for address, state, returned in (
            (row.address, row.mail, row.returned),
            (row.asked_for, row.asked_mail, row.asked_returned),
        )
    }
    return Slot(
        row.slot,
        row.address,
        row.confirmed_at,
        row.asked_for,
        row.expires_at,
        waiting=row.expires_at is not None and now < row.expires_at,
        undelivered=frozenset(address for address, lost in failed.items() if lost),
    )
