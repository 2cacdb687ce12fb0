"""Mail that was returned as undeliverable: delivery status notifications (RFC 3464) and what they say about our mails.

A notification is found to be about one of our mails by the Message-ID of that mail, in the part that is returned. The ID
contains a random number, so nobody can forge a notification about a mail that they did not receive. A mail has a single
recipient. What is noted is a property of the mail: a notification that is read twice, or two about the same mail, count
once.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, message_from_string
from email.message import Message

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from models.mail import placeholders
from models.mail.outbox import MailMessage, MailState

REASON_LENGTH = 500

SETTLED_AFTER = timedelta(hours=1)
"""How long after it was sent a mail counts as delivered: mail servers return most undeliverable mail within minutes."""

_MESSAGE_ID = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@", re.IGNORECASE)
_STATUS = re.compile(r"\b([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_REPLY_CODE = re.compile(r"(?<![0-9.])([45])[0-9]{2}(?![0-9.])")
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_PARTS = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_REFERRING = ("Message-ID", "References", "In-Reply-To", "X-Original-Message-ID", "Original-Message-ID")
_MOST_IDS = 20


@dataclass(frozen=True, slots=True)
class Notification:
    """What a notification says.

    :param message_ids: the mails that it may be about, the most probable first.
    :param status: the status of RFC 3463, such as ``5.1.1``.
    :param reason: the reply of the mail server that refused the mail.
    """

    message_ids: Sequence[uuid.UUID]
    status: str
    reason: str


def read(content: bytes) -> Notification | None:
    """Return what a notification says; None for any other mail, and for one about a successful delivery.

    Never raises: whatever arrives in the mailbox is read by this.
    """
    try:
        return _read(message_from_bytes(content))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # Damaged headers and unknown encodings; which exceptions the email package raises then is not documented.
        return None


def _read(message: Message) -> Notification | None:
    failures = [found for block in _blocks(message) if (found := _failure(block)) is not None]
    if not failures:
        return None
    # A mail of ours has one recipient. If that is a list, the reply that refuses for good decides.
    status, reason = max(failures)
    ids = list(dict.fromkeys(_message_ids(message)))[:_MOST_IDS]
    return Notification(ids, status, reason) if ids else None


def _blocks(message: Message) -> Iterator[Message]:
    """Yield the groups of fields of the parts with the delivery status: one about the mail, and one for each recipient."""
    for part in message.walk():
        if part.get_content_type() not in _STATUS_PARTS:
            continue
        payload = part.get_payload()
        blocks = [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []
        if any("Action" in each or "Status" in each for each in blocks):
            yield from blocks
            continue
        # The email package does not decode such a part, and reads the fields of internationalized ones as a text.
        text = _text_of(part, blocks)
        yield from (message_from_string(each) for each in re.split(r"\r?\n[ \t]*\r?\n", text) if each.strip())


def _text_of(part: Message, blocks: Sequence[Message]) -> str:
    raw = "".join(str(each.get_payload()) for each in blocks) or str(part.get_payload())
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64":
        try:
            return base64.b64decode(raw, validate=False).decode("utf-8", "replace")
        except binascii.Error:
            return ""
    return raw


def _failure(block: Message) -> tuple[str, str] | None:
    """Return the status and the reason of a recipient to whom the mail was not, or not yet, delivered; else None."""
    action = _field(block, "Action").lower()
    if action not in {"failed", "delayed", ""}:
        return None
    diagnostic = _field(block, "Diagnostic-Code")
    given = _STATUS.search(_field(block, "Status")) or _STATUS.search(diagnostic)
    if given is not None:
        status = given[1]
    elif reply := _REPLY_CODE.search(diagnostic):
        status = f"{reply[1]}.0.0"
    else:
        status = {"failed": "5.0.0", "delayed": "4.0.0"}.get(action, "")
    if not status or status.startswith("2"):
        return None
    if action == "delayed":
        # It may still arrive, whatever the status says.
        status = f"4{status[1:]}"
    return status, diagnostic


def _field(block: Message, name: str) -> str:
    # Bytes that are no text become question marks, which the database can store.
    return " ".join(str(block.get(name, "")).encode("utf-8", "replace").decode().split())


def _message_ids(message: Message) -> Iterator[uuid.UUID]:
    """Yield the numbers of our Message-IDs: those of the returned part first, then those that the notification refers to."""
    for part in message.walk():
        if part.get_content_type() in _RETURNED_PARTS:
            for inner in _returned(part):
                yield from _ids_in(inner, _REFERRING)
    yield from _ids_in(message, ("References", "In-Reply-To", "X-Failed-Message-ID"))


def _returned(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (each for each in payload if isinstance(each, Message))
        return
    decoded = part.get_payload(decode=True)
    yield message_from_string(decoded.decode("utf-8", "replace") if isinstance(decoded, bytes) else str(payload))


def _ids_in(message: Message, names: Sequence[str]) -> Iterator[uuid.UUID]:
    for name in names:
        for value in message.get_all(name, []):
            yield from (uuid.UUID(found) for found in _MESSAGE_ID.findall(str(value)))


def was_refused(mail: type[MailMessage] = MailMessage) -> ColumnElement[bool]:
    """Return the condition that a mail was refused for good: returned so, or not even taken by our mail server.

    :param mail: the table, or an alias of it.
    """
    returned = and_(mail.returned_at.is_not(None), mail.return_status.startswith("5."))
    return or_(returned, and_(mail.state == MailState.FAILED, mail.last_error.regexp_match("^5[0-9][0-9] ")))


def was_delivered(*, now: datetime, mail: type[MailMessage] = MailMessage) -> ColumnElement[bool]:
    """Return the condition that a mail was sent, and not returned within ``SETTLED_AFTER``."""
    sent = and_(mail.state == MailState.SENT, mail.sent_at <= now - SETTLED_AFTER)
    return and_(sent, mail.returned_at.is_(None))


def note(session: Session, notification: Notification, *, now: datetime) -> bool:
    """Note on a mail that it was returned. The reply that refuses for good replaces a temporary one.

    :param session: a cross-tenant session.
    :returns: whether the notification is about one of our mails.
    """
    found = session.execute(
        select(MailMessage.id, MailMessage.message_id).where(MailMessage.message_id.in_(notification.message_ids))
    ).all()
    if not found:
        return False
    keys = {message_id: key for key, message_id in found}
    key = next(keys[each] for each in notification.message_ids if each in keys)
    reason = placeholders.several_lines(notification.reason)[:REASON_LENGTH]
    permanent = notification.status.startswith("5")
    replaced: list[ColumnElement[bool]] = [MailMessage.returned_at.is_(None)]
    if permanent:
        replaced.append(MailMessage.return_status.startswith("4"))
    session.execute(
        update(MailMessage)
        .where(MailMessage.id == key, or_(*replaced))
        .values(returned_at=now, return_status=notification.status, return_reason=reason)
        .execution_options(synchronize_session=False)
    )
    return True
