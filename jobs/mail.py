"""Sends what waits in the outbox, through Flask-Mail, over one connection per batch.

``send_due`` is woken up after each commit that wrote mail, and once a minute by the timetable. As many workers as there
are may run it at once: a claimed row is one worker's until its lease is over (``models.mail.sending``). A worker that dies has
lost nothing; only one that dies between the mail server's 250 and the commit that notes it makes a second copy, with the
same Message-ID.
"""

from __future__ import annotations

import smtplib
import time
from contextlib import suppress
from dataclasses import dataclass
from email.charset import BASE64, Charset
from email.header import Header
from email.mime.text import MIMEText
from email.policy import Compat32
from email.utils import formatdate
from functools import lru_cache
from typing import Any, cast

from flask import current_app
from flask_mail import BadHeaderError, Connection, Message, sanitize_address
from redis.exceptions import RedisError

from jobs import queues
from jobs.job import job
from models import clock
from models.errors import N_
from models.mail import outbox, placeholders
from models.mail.sending import MailClaim, OutgoingMail, mail_connection
from models.operations.schedule import Entry, every

BATCH = 100
"""Messages claimed at once, and sent over one connection."""

BUDGET = 45.0
"""Seconds after which a run claims no more and leaves the rest to the next one: with the longest message it stays under
``queues.JOB_TIMEOUT``."""

SMTP_TIMEOUT = 15.0
"""Seconds the mail server may take for each of its four answers to a message. Together they are far below
``models.mail.sending.LEASE``: a row is never taken by another worker while its message is on the way."""

_MOST_WORDS = 500
_LINE = 76
_BASE64 = Charset("utf-8")
_BASE64.body_encoding = BASE64


# The sender is the same each time.
_header_address = lru_cache(256)(sanitize_address)


class _Wire(Compat32):
    """How headers are written. What fits one line as it is needs no folding, and subjects are the same again and again."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if isinstance(value, str) and value.isascii() and value.isprintable() and len(name) + len(value) < _LINE:
            return f"{name}: {value}\r\n".encode("ascii")
        return _folded(name, str(value))


@lru_cache(256)
def _folded(name: str, value: str) -> bytes:
    words = Header(value, "us-ascii" if value.isascii() else "utf-8", header_name=name)
    return f"{name}: {words.encode(linesep=_WIRE.linesep)}\r\n".encode("ascii")


_WIRE = _Wire(linesep="\r\n")


class PlainMessage(Message):
    """Flask-Mail's message as a plain text to one recipient.

    In base64, because lines of any length then reach every mail server whole; and written by the email package's older
    policy, which does not read again what was just put together.
    """

    def _message(self) -> MIMEText:
        message: Any = MIMEText((self.body or "").replace("\n", "\r\n"), "plain", _BASE64)  # type: ignore[arg-type]  # no Charset in typeshed
        message["Subject"] = self.subject
        message["From"] = _header_address(self.sender)
        message["To"] = _header_address(self.recipients[0])
        message["Date"] = formatdate(self.date, localtime=True)
        message["Message-ID"] = self.msgId
        for name, value in (self.extra_headers or {}).items():
            message[name] = value
        message.policy = _WIRE
        return cast("MIMEText", message)


class PatientConnection(Connection):
    """Flask-Mail's connection with an end to its patience."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect as Flask-Mail does, and wait for no answer longer than ``SMTP_TIMEOUT``."""
        settings = self.mail
        kind = smtplib.SMTP_SSL if settings.use_ssl else smtplib.SMTP
        host = kind(settings.server, settings.port, timeout=SMTP_TIMEOUT)
        if settings.use_tls:
            host.starttls()
        if settings.username and settings.password:
            host.login(settings.username, settings.password)
        return host


SCHEDULE = (Entry("mail", N_("Send waiting mail"), "jobs.mail.sweep", every(1), queue="default"),)


@job(quiet=True)
def send_due() -> None:
    """Send every message that is due, in batches (§5.4.2 and wherever else a mail is written)."""
    _send_due()


@job(entry="mail", quiet=True)
def sweep() -> None:
    """The same once a minute: what no wake-up came for, and what waits for its next attempt."""
    _send_due()


def _send_due() -> None:
    begun = time.monotonic()
    with mail_connection() as connection:
        while time.monotonic() - begun < BUDGET:
            claim = MailClaim(connection)
            mails = claim.claim(now=clock.utc_now(), limit=BATCH)
            if not mails:
                return
            if len(mails) == BATCH:
                # There is probably more, and others may help. Without Redis this worker does it alone.
                with suppress(RedisError):
                    queues.queue(queues.DEFAULT).enqueue("jobs.mail.send_due", **queues.LIMITS)
            if not _send_batch(claim, mails):
                return


def _send_batch(claim: MailClaim, mails: list[OutgoingMail]) -> bool:
    """Send what was claimed.

    What became of a mail is noted in the statement that begins the next one, before that goes out.

    :returns: False when there is no way to the mail server, and no use in trying the next batch now.
    """
    keep_secret = current_app.config["PORTAL_DEMO"]
    connection = PatientConnection(current_app.extensions["mail"])
    try:
        connection.__enter__()
    except (smtplib.SMTPException, OSError) as problem:
        for mail in mails:
            claim.note_failure(mail, now=clock.utc_now(), error=_refusal(problem).words, final=False)
        return False
    sent = None
    try:
        for number, mail in enumerate(mails, start=1):
            ours = claim.begin(mail, now=clock.utc_now(), sent=sent, keep_secret=keep_secret)
            sent = None
            if not ours:
                continue
            refusal = _deliver(connection, mail)
            if refusal is None:
                sent = mail
                continue
            claim.note_failure(mail, now=clock.utc_now(), error=refusal.words, final=refusal.final)
            if not refusal.goes_on:
                claim.let_go(mails[number:])
                break
        if sent is not None:
            claim.note_sent(sent, now=clock.utc_now(), keep_secret=keep_secret)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            if connection.host is not None:
                connection.host.quit()
    return True


def _deliver(connection: Connection, mail: OutgoingMail) -> Refusal | None:
    """Hand one mail to the mail server.

    :returns: None when it was taken.
    """
    try:
        connection.send(_message(mail))
    except (smtplib.SMTPException, OSError) as problem:
        return _refusal(problem)
    except (BadHeaderError, ValueError) as problem:
        return Refusal(f"The message cannot be written: {type(problem).__name__}.", final=True)
    return None


def _message(mail: OutgoingMail) -> Message:
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    message = PlainMessage(
        subject=mail.subject,
        recipients=[mail.recipient],
        body=mail.body,
        sender=sender,
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = outbox.header_id(mail.message_id, sender)
    return message


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a mail did not go out.

    :param words: the mail server's, with its code.
    :param final: it refuses this mail for good.
    :param goes_on: whether it takes another one over the same connection.
    """

    words: str
    final: bool = False
    goes_on: bool = True


def _refusal(problem: Exception) -> Refusal:
    words: bytes | str
    match problem:
        case smtplib.SMTPRecipientsRefused():
            code, words = next(iter(problem.recipients.values()))
        case smtplib.SMTPResponseException():
            code, words = problem.smtp_code, problem.smtp_error
        case _:
            return Refusal(str(problem)[:_MOST_WORDS] or type(problem).__name__, goes_on=False)
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    # A sender that is refused is a mistake in our settings, not in the mail: somebody will mend it.
    final = code >= 500 and not isinstance(problem, smtplib.SMTPSenderRefused)
    return Refusal(placeholders.several_lines(f"{code} {said}")[:_MOST_WORDS], final=final, goes_on=code != 421)
