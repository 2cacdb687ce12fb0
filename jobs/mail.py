"""Send the outbox through Flask-Mail, with one connection per batch.

``send_due`` is enqueued after each commit that writes mail, and once a minute by the schedule. Any number of workers
may run it concurrently: a claimed row belongs to one worker until its lease expires (``models.mail.sending``). A worker
that dies loses nothing. Only if it dies between the mail server's 250 and the commit that records it is a second copy
sent, with the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from email.charset import BASE64, Charset
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import Compat32
from email.utils import formatdate
from functools import lru_cache
from typing import Any, cast

from flask import current_app
from flask_mail import BadHeaderError, Connection, Message, sanitize_address
from redis.exceptions import RedisError

from jobs import attachments, queues
from jobs.job import job
from models import clock
from models.errors import N_
from models.mail import outbox, placeholders
from models.mail.sending import MailClaim, OutgoingMail, mail_connection
from models.operations.schedule import Entry, every
from models.values.mail_address import wire_address

BATCH = 100
"""The number of messages that are claimed at once and sent over one connection."""

ATTACHED_BATCH = 10
"""The same for messages with an attachment, which takes seconds to make. They are sent after all others."""

BUDGET = 45.0
"""Seconds after which a run claims no more messages and leaves the rest to the next run. Together with the slowest
message it stays below ``queues.JOB_TIMEOUT``."""

SMTP_TIMEOUT = 15.0
"""Timeout in seconds for each of the mail server's four replies to a message. Together they are far below
``models.mail.sending.LEASE``, so that no other worker claims a row while its message is being sent."""

log = logging.getLogger(__name__)

_MAX_ERROR_LENGTH = 500
_MAX_LINE = 76
_BASE64 = Charset("utf-8")
_BASE64.body_encoding = BASE64


# Cached because the sender is always the same.
_header_address = lru_cache(256)(sanitize_address)


class _HeaderPolicy(Compat32):
    """Writes headers. Those that fit on one line are not folded; folded ones are cached because subjects repeat."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if isinstance(value, str) and value.isascii() and value.isprintable() and len(name) + len(value) < _MAX_LINE:
            return f"{name}: {value}\r\n".encode("ascii")
        return _folded(name, str(value))


@lru_cache(256)
def _folded(name: str, value: str) -> bytes:
    words = Header(value, "us-ascii" if value.isascii() else "utf-8", header_name=name)
    return f"{name}: {words.encode(linesep=_HEADER_POLICY.linesep)}\r\n".encode("ascii")


_HEADER_POLICY = _HeaderPolicy(linesep="\r\n")


class PlainMessage(Message):
    """A Flask-Mail message in plain text to one recipient, with any attached files.

    It is encoded in base64, because mail servers limit the length of lines. It uses the older policy of the email
    package, which does not parse the headers that it has just generated.
    """

    def _message(self) -> MIMEText:
        text: Any = MIMEText((self.body or "").replace("\n", "\r\n"), "plain", _BASE64)  # type: ignore[arg-type]  # no Charset in typeshed
        message: Any = text
        if self.attachments:
            message = MIMEMultipart("mixed", None, [text])
            for file in self.attachments:
                # WeasyPrint's PDF is the only kind of file.
                part = MIMEApplication(file.data, "pdf")
                part.add_header("Content-Disposition", "attachment", filename=file.filename)
                message.attach(part)
        message["Subject"] = self.subject
        message["From"] = _header_address(self.sender)
        message["To"] = _header_address(self.recipients[0])
        message["Date"] = formatdate(self.date, localtime=True)
        message["Message-ID"] = self.msgId
        for name, value in (self.extra_headers or {}).items():
            message[name] = value
        message.policy = _HEADER_POLICY
        return cast("MIMEText", message)


class ConnectionWithTimeout(Connection):
    """Flask-Mail's connection with a timeout."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect like Flask-Mail, with ``SMTP_TIMEOUT`` for each reply."""
        settings = self.mail
        # Without a context smtplib accepts any certificate.
        context = ssl.create_default_context(cafile=current_app.config["MAIL_CA_FILE"])
        host = (
            smtplib.SMTP_SSL(settings.server, settings.port, timeout=SMTP_TIMEOUT, context=context)
            if settings.use_ssl
            else smtplib.SMTP(settings.server, settings.port, timeout=SMTP_TIMEOUT)
        )
        if settings.use_tls:
            host.starttls(context=context)
        if settings.username and settings.password:
            host.login(settings.username, settings.password)
        return host


SCHEDULE = (Entry("mail", N_("Send waiting mail"), "jobs.mail.sweep", every(1), queue="default"),)


@job(quiet=True)
def send_due() -> None:
    """Send all due messages in batches (§5.4.2 and all other mail)."""
    _send_due()


@job(entry="mail", quiet=True)
def sweep() -> None:
    """Send all due messages once a minute: retries, and those whose job after the commit was lost."""
    _send_due()


def _send_due() -> None:
    begun = time.monotonic()
    with mail_connection() as connection:
        while time.monotonic() - begun < BUDGET:
            claim = MailClaim(connection)
            mails = claim.claim(now=clock.utc_now(), limit=BATCH)
            full = len(mails) == BATCH
            if not mails:
                mails = claim.claim(now=clock.utc_now(), limit=ATTACHED_BATCH, attached=True)
                full = len(mails) == ATTACHED_BATCH
            if not mails:
                return
            if full:
                # There are probably more, and other workers can help. Without Redis, this worker sends them alone.
                with suppress(RedisError):
                    queues.enqueue(queues.DEFAULT, "jobs.mail.send_due")
            if not _send_batch(claim, mails):
                return


def _send_batch(claim: MailClaim, mails: list[OutgoingMail]) -> bool:
    """Send a batch of claimed messages.

    The statement that starts the next message also records that the previous one was sent.

    :returns: False if the mail server cannot be reached, so that there is no point in trying the next batch now.
    """
    keep_secret = current_app.config["PORTAL_DEMO"]
    connection = ConnectionWithTimeout(current_app.extensions["mail"])
    try:
        connection.__enter__()
    except (smtplib.SMTPException, OSError) as problem:
        error = _refusal(problem).error
        for mail in mails:
            _log(mail, final=False)
            claim.record_failure(mail, now=clock.utc_now(), error=error, final=False)
        return False
    sent = None
    try:
        for number, mail in enumerate(mails, start=1):
            ours = claim.begin(mail, now=clock.utc_now(), sent=sent, keep_secret=keep_secret)
            sent = None
            if not ours:
                continue
            refusal = _deliver(connection, mail)
            _log(mail, final=None if refusal is None else refusal.final)
            if refusal is None:
                sent = mail
                continue
            claim.record_failure(mail, now=clock.utc_now(), error=refusal.error, final=refusal.final)
            if not refusal.connected:
                claim.release(mails[number:])
                break
        if sent is not None:
            claim.record_sent(sent, now=clock.utc_now(), keep_secret=keep_secret)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            if connection.host is not None:
                connection.host.quit()
    return True


def _log(mail: OutgoingMail, *, final: bool | None) -> None:
    """Log an attempt under the ID of the request that caused the mail: a run sends the mails of several requests.

    The mail server's reply is left out, because it often has the recipient; the row has it.

    :param final: None if the mail was sent, else whether it was refused permanently.
    """
    outcome = {None: "sent", True: "refused", False: "not sent"}[final]
    facts = {"mail": mail.id, "kind": mail.kind, "attempt": mail.attempts + 1, "request_id": mail.request_id}
    log.log(logging.INFO if final is None else logging.WARNING, "mail %s", outcome, extra=facts)


def _deliver(connection: Connection, mail: OutgoingMail) -> Refusal | None:
    """Send a message to the mail server.

    :returns: None if it was accepted.
    """
    try:
        connection.send(_message(mail), envelope_from=current_app.config["BOUNCE_ADDRESS"] or None)
    except (smtplib.SMTPException, OSError) as problem:
        return _refusal(problem)
    except (BadHeaderError, ValueError) as problem:
        return Refusal(f"The message cannot be written: {type(problem).__name__}.", final=True)
    return None


def _message(mail: OutgoingMail) -> Message:
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    message = PlainMessage(
        subject=mail.subject,
        recipients=[wire_address(mail.recipient)],
        body=mail.body,
        sender=sender,
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = outbox.header_id(mail.message_id, sender)
    if mail.attachment and mail.tenant_id and (file := attachments.made(mail.tenant_id, mail.attachment)):
        message.attach(file.name, "application/pdf", file.data)
    return message


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a message was not sent.

    :param error: the mail server's reply with its code.
    :param final: whether the server refuses this message permanently.
    :param connected: whether the connection can be used for further messages.
    """

    error: str
    final: bool = False
    connected: bool = True


def _refusal(problem: Exception) -> Refusal:
    reply: bytes | str
    match problem:
        case smtplib.SMTPRecipientsRefused():
            code, reply = next(iter(problem.recipients.values()))
        case smtplib.SMTPResponseException():
            code, reply = problem.smtp_code, problem.smtp_error
        case _:
            return Refusal(str(problem)[:_MAX_ERROR_LENGTH] or type(problem).__name__, connected=False)
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    # A refused sender is a configuration error and not a fault of the message, so the message is retried.
    final = code >= 500 and not isinstance(problem, smtplib.SMTPSenderRefused)
    return Refusal(placeholders.several_lines(f"{code} {text}")[:_MAX_ERROR_LENGTH], final=final, connected=code != 421)
