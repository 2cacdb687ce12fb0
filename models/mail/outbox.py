"""The outbox: each mail is a row, inserted in the transaction of the change that causes it (docs/adr/0007-outbox.md).

``write`` adds the rows, ``models.mail.sending`` sends them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    Uuid,
    insert,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import after_commit, audit, request_id
from models.actor import Actor
from models.db import Base
from models.errors import N_, DomainError
from models.mail import placeholders
from models.mail import template as mail_template
from models.mail.kinds import KINDS
from models.row_lock import lock

SECRET_SHOWN = "…"  # nosec B105  # noqa: S105  (a mark, not a secret)
"""Shown to people instead of the secret part of a link."""

RESEND_NEEDS_A_NEW_LINK = N_("This mail contained a one-time link. Repeat the action that sent it to send a new link.")
NOT_FAILED = N_("Only a mail that was sent or has failed can be sent again.")
SENT_AGAIN_ALREADY = N_("This mail has changed since you opened this page. Check it again.")


class MailState(StrEnum):
    """The state of a message."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class MailMessage(Base):
    """One message to one recipient. ``tenant_id`` is NULL for mail outside any tenant, such as on a locked account."""

    __tablename__ = "mail_message"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'failed')", name="ck_mail_message_state"),
        CheckConstraint("recipient ~ '^[^[:space:][:cntrl:]]+$'", name="ck_mail_message_recipient"),
        CheckConstraint("subject !~ '[[:cntrl:]]'", name="ck_mail_message_subject"),
        CheckConstraint("(returned_at IS NULL) = (return_status IS NULL)", name="ck_mail_message_returned"),
        Index("ix_mail_message_tenant_id_id", "tenant_id", "id"),
        # For the newest mail to an e-mail address.
        Index("ix_mail_message_tenant_id_recipient_id", "tenant_id", "recipient", "id"),
        Index("ix_mail_message_due", "next_attempt_at", "id", postgresql_where=text("state = 'pending'")),
        # For the searches in the log across tenants (models.mail.log).
        Index("ix_mail_message_failed", "id", postgresql_where=text("state = 'failed'")),
        Index("ix_mail_message_kind_id", "kind", "id"),
        Index("ix_mail_message_returned", "recipient", "id", postgresql_where=text("returned_at IS NOT NULL")),
        Index(
            "ix_mail_message_recipient",
            "recipient",
            postgresql_using="gin",
            postgresql_ops={"recipient": "gin_trgm_ops"},
        ),
        # For dropping the alert mails of a removed UTM (models.mail.alert_mail_due).
        Index(
            "ix_mail_message_pending_utm_id",
            "utm_id",
            postgresql_where=text("utm_id IS NOT NULL AND state = 'pending'"),
        ),
        Index("ix_mail_message_resent_from", "resent_from", postgresql_where=text("resent_from IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[str | None] = mapped_column(String(8), ForeignKey("tenant.id"))
    kind: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    # The secret part of the link in the body, stored only until the message is sent.
    secret: Mapped[str | None] = mapped_column(Text)
    # What is attached: its kind and key, such as monthly_report/A00000001/2026-10. The file is made when the message is sent.
    attachment: Mapped[str | None] = mapped_column(String(64))
    # Identifies the message to mail servers, also when it is sent again.
    message_id: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True)
    state: Mapped[str] = mapped_column(String(8), server_default=MailState.PENDING.value)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lease_owner: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resent_from: Mapped[int | None] = mapped_column(BigInteger)
    # When a mail server returned the message as undeliverable, with the status of RFC 3463 and the reason that it gave.
    returned_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    return_status: Mapped[str | None] = mapped_column(String(16))
    return_reason: Mapped[str | None] = mapped_column(String(500))
    # The request that caused the mail, as in the audit log; NULL for mail that jobs write on their own.
    request_id: Mapped[str | None] = mapped_column(String(64))
    # The UTM that an alert mail is about; NULL for all other mail.
    utm_id: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def shown_body(self) -> str:
        """The body without the secret part of its link, for people other than the recipient."""
        return self.body.replace(placeholders.SECRET_MARK, SECRET_SHOWN)

    @property
    def whole_body(self) -> str:
        """The body as the recipient gets it, while the secret is still stored. Used only by the demonstration."""
        return self.shown_body if self.secret is None else self.body.replace(placeholders.SECRET_MARK, self.secret)

    @property
    def refusal(self) -> str | None:
        """The reason why the message cannot be sent again, None when it can."""
        if self.state == MailState.PENDING:
            return NOT_FAILED
        if self.state == MailState.SENT and placeholders.SECRET_MARK in self.body:
            return RESEND_NEEDS_A_NEW_LINK
        return None


def write(  # noqa: PLR0913  (each is a fact about the mail)
    session: Session,
    kind: str,
    recipients: str | Collection[str],
    values: Mapping[str, str],
    *,
    now: datetime,
    tenant_id: str | None = None,
    secret: str | None = None,
    utm_id: int | None = None,
    attachment: str | None = None,
) -> None:
    """Add a mail to the caller's transaction, one row per recipient. It is sent after the commit.

    :param kind: a key of ``models.mail.kinds.KINDS``.
    :param recipients: one or more e-mail addresses; duplicates get one mail.
    :param values: a value for each placeholder of the kind, with several lines where the kind allows it.
    :param tenant_id: the tenant that the mail concerns, or None; editable kinds use the tenant's own text.
    :param secret: a part of a value (the token of a link) that only the recipient may see.
    :param utm_id: the primary key of the UTM whose removal drops the mail while it is not sent; None for no UTM.
    :param attachment: the kind and key of a file to attach; ``jobs.attachments`` makes it when the mail is sent.
    :raises KeyError: there is no such kind.
    :raises ValueError: values are missing or unexpected, or the kind is not sent by mail.
    """
    about = KINDS[kind]
    if about.sms:
        raise ValueError(f"{kind} is not sent by mail.")
    text = mail_template.text_for(session, tenant_id, about) if about.editable and tenant_id else about.default
    filled = placeholders.fill(text, about, values)
    body = filled.body if secret is None else filled.body.replace(secret, placeholders.SECRET_MARK)
    to = dict.fromkeys([recipients] if isinstance(recipients, str) else recipients)
    rows = [
        {
            "tenant_id": tenant_id,
            "kind": kind,
            "recipient": recipient,
            "subject": filled.subject or "",
            "body": body,
            "secret": secret,
            "attachment": attachment,
            "message_id": uuid.uuid4(),
            "next_attempt_at": now,
            "created_at": now,
            "utm_id": utm_id,
            "request_id": request_id.current(),
        }
        for recipient in to
    ]
    if not rows:
        return
    # Inline, as in the audit log: the app may insert rows without a tenant, but not read them back.
    session.execute(insert(MailMessage.__table__).inline().values(rows))
    after_commit.register(session, after_commit.MAIL)


def header_id(message_id: uuid.UUID, sender: str) -> str:
    """Return the Message-ID header of a message.

    :param sender: the sender's e-mail address, with or without a display name.
    """
    return f"<{message_id}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def stamp(message: MailMessage, copies: Sequence[int]) -> str:
    """Return a fingerprint of a message's state, to detect that it changed after a person opened it.

    :param copies: the IDs of its copies.
    """
    return f"{message.state}-{message.attempts}-{len(copies)}"


def copies(session: Session, message: MailMessage) -> list[int]:
    """Return the IDs of the messages that repeat this one, oldest first."""
    statement = select(MailMessage.id).where(MailMessage.resent_from == message.id).order_by(MailMessage.id)
    return list(session.scalars(statement))


def send_again(session: Session, message: MailMessage, *, now: datetime, by: Actor, seen: str | None = None) -> None:
    """Send a failed message again, or a copy of a sent one.

    The row is locked and reloaded: of two concurrent calls, the second sees the result of the first.

    :param seen: the ``stamp`` of the message when the person opened it; None skips the comparison.
    :raises DomainError: the message is pending, contains a one-time link that was sent, or has changed since ``seen``.
    """
    lock(session, message)
    if seen is not None and seen != stamp(message, copies(session, message)):
        raise DomainError(SENT_AGAIN_ALREADY)
    if message.refusal is not None:
        raise DomainError(message.refusal)
    if message.state == MailState.FAILED:
        try_again(session, message, now=now, by=by)
        return
    session.add(
        MailMessage(
            tenant_id=message.tenant_id,
            kind=message.kind,
            recipient=message.recipient,
            subject=message.subject,
            body=message.body,
            attachment=message.attachment,
            message_id=uuid.uuid4(),
            next_attempt_at=now,
            created_at=now,
            resent_from=message.id,
            utm_id=message.utm_id,
            request_id=request_id.current(),
        )
    )
    _note_sent_again(session, message, by=by)


def try_again(session: Session, message: MailMessage, *, now: datetime, by: Actor) -> None:
    """Return a failed message, whose row is locked, to the queue with a full set of attempts."""
    message.state, message.attempts, message.next_attempt_at = MailState.PENDING, 0, now
    message.lease_owner = message.lease_until = None
    _note_sent_again(session, message, by=by)


def _note_sent_again(session: Session, message: MailMessage, *, by: Actor) -> None:
    audit.record(
        session,
        "mail.sent_again",
        ("MailMessage", message.id),
        by=by,
        tenant_id=message.tenant_id,
        after={"kind": message.kind, "recipient": message.recipient},
    )
    after_commit.register(session, after_commit.MAIL)
