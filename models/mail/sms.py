"""The outbox of SMS: like that of mail, each message is a row, inserted in the transaction of what causes it.

A worker claims one message at a time, which also schedules its next attempt: a message whose worker died is sent again
then. So a message may be sent twice, and is never lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, Integer, String, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import after_commit
from models.db import Base
from models.mail import placeholders
from models.mail import template as mail_template
from models.mail.kinds import KINDS
from models.mail.outbox import SECRET_SHOWN, MailState
from models.mail.sending import INTERRUPTED, WAITS
from models.scope import TenantScoped, own_tenant_id


class SmsMessage(TenantScoped, Base):
    """One message to one mobile number."""

    __tablename__ = "sms_message"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'failed')", name="ck_sms_message_state"),
        CheckConstraint("recipient ~ '^0[0-9]{9,10}$'", name="ck_sms_message_recipient"),
        Index("ix_sms_message_tenant_id_id", "tenant_id", "id"),
        Index("ix_sms_message_due", "next_attempt_at", "id", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(11))
    body: Mapped[str] = mapped_column(Text)
    # The secret part of the link in the body, stored only until the message is sent.
    secret: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8), server_default=MailState.PENDING.value)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def shown_body(self) -> str:
        """The body without the secret part of its link, for people other than the recipient."""
        return self.body.replace(placeholders.SECRET_MARK, SECRET_SHOWN)


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """The content of a claimed row, with the secret part of its link.

    :ivar attempt: the number of this attempt, from 1.
    """

    id: int
    kind: str
    recipient: str
    body: str
    attempt: int


def write(  # noqa: PLR0913  (each is a fact about the message)
    session: Session, kind: str, recipient: str, values: Mapping[str, str], *, now: datetime, secret: str | None = None
) -> None:
    """Add a message to the caller's transaction, with the tenant's own text. It is sent after the commit.

    :param kind: a key of ``models.mail.kinds.KINDS`` that is sent by SMS.
    :param recipient: a mobile number in digits.
    :param values: a value for each placeholder of the kind.
    :param secret: a part of a value (the token of a link) that only the recipient may see.
    :raises ValueError: the kind is not sent by SMS, or values are missing or unexpected.
    """
    about = KINDS[kind]
    if not about.sms:
        raise ValueError(f"{kind} is not sent by SMS.")
    text_of_tenant = mail_template.text_for(session, own_tenant_id(session), about)
    body = placeholders.fill(text_of_tenant, about, values).body
    session.add(
        SmsMessage(
            kind=kind,
            recipient=recipient,
            body=body if secret is None else body.replace(secret, placeholders.SECRET_MARK),
            secret=secret,
            next_attempt_at=now,
            created_at=now,
        )
    )
    after_commit.register(session, after_commit.SMS)


def claim(session: Session, *, now: datetime) -> OutgoingSms | None:
    """Claim the oldest due message, and commit; None if there is none.

    Messages that another worker is claiming at the same time are skipped. One whose attempts were all interrupted fails.

    :param session: a cross-tenant session.
    """
    due = (
        select(SmsMessage)
        .where(SmsMessage.state == MailState.PENDING, SmsMessage.next_attempt_at <= now)
        .order_by(SmsMessage.next_attempt_at, SmsMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while (row := session.scalar(due)) is not None:
        if row.attempts > len(WAITS):
            _fail(row, INTERRUPTED)
            session.commit()
            continue
        row.attempts += 1
        row.next_attempt_at = now + WAITS[min(row.attempts, len(WAITS)) - 1]
        body = row.body if row.secret is None else row.body.replace(placeholders.SECRET_MARK, row.secret)
        claimed = OutgoingSms(row.id, row.kind, row.recipient, body, row.attempts)
        session.commit()
        return claimed
    session.rollback()
    return None


def record_sent(session: Session, message: OutgoingSms, *, now: datetime) -> None:
    """Record that the gateway accepted a message, and commit. The secret part of its link is no longer stored."""
    row = session.get_one(SmsMessage, message.id)
    row.state, row.sent_at, row.last_error, row.secret = MailState.SENT.value, now, None, None
    session.commit()


def record_failure(session: Session, message: OutgoingSms, error: str) -> None:
    """Record a failed attempt, and commit. After the last attempt, the message has failed.

    :param error: why the gateway did not accept it.
    """
    row = session.get_one(SmsMessage, message.id)
    row.last_error = error
    if message.attempt > len(WAITS):
        _fail(row, error)
    session.commit()


def _fail(row: SmsMessage, error: str) -> None:
    row.state, row.last_error, row.secret = MailState.FAILED.value, error, None
