"""Read the mailbox to which mail servers return undeliverable mail, a Maildir or an IMAP folder (``BOUNCE_MAILBOX``).

A mail is noted and committed first, then deleted. If the job is killed in between, it is read again, which changes nothing
(``models.mail.returned``). Mails that are no notification about ours are not deleted: they are moved to the folder
``Unknown`` of the Maildir, or flagged, and not read again.
"""

from __future__ import annotations

import imaplib
import logging
import mailbox
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from flask import current_app

from jobs.job import job
from models import clock, scope
from models.errors import N_
from models.mail import returned
from models.operations.schedule import Entry, every

log = logging.getLogger("portal.mail")

MOST = 500
"""The maximum number of mails that a run reads."""

MAX_BYTES = 1024 * 1024
"""How much of a mail is read. The returned part is at its end, but mail servers return a part or the headers only."""

BUDGET = 60.0
"""Seconds after which a run leaves the rest to the next one, far below ``queues.JOB_TIMEOUT``."""

TIMEOUT = 15.0
"""Seconds that an IMAP server may take to answer."""

UNKNOWN = "Unknown"
"""The folder of the Maildir for mails that are no notification about ours."""

_IMAP_PORT, _IMAPS_PORT = 143, 993

SCHEDULE = (Entry("returned-mail", N_("Read returned mail"), "jobs.returned_mail.read", every(5)),)


class Mailbox(Protocol):
    """A mailbox with returned mail."""

    def keys(self) -> list[str]:
        """Return the keys of the mails that were not read before."""

    def content(self, key: str) -> bytes | None:
        """Return a mail, or its beginning; None if it is no longer there."""

    def delete(self, key: str) -> None:
        """Delete a mail that was noted."""

    def set_aside(self, key: str) -> None:
        """Keep a mail so that it is not read again."""


@job(entry="returned-mail", quiet=True)
def read() -> None:
    """Read the mailbox; without one, do nothing."""
    address = current_app.config["BOUNCE_MAILBOX"]
    if not address:
        return
    begun = time.monotonic()
    with opened(address) as box:
        for key in box.keys()[:MOST]:
            if time.monotonic() - begun > BUDGET:
                break
            _read_one(box, key)


def _read_one(box: Mailbox, key: str) -> None:
    content = box.content(key)
    if content is None:
        return
    notification = returned.read(content)
    if notification is not None and _noted(notification):
        box.delete(key)
    else:
        box.set_aside(key)


def _noted(notification: returned.Notification) -> bool:
    with scope.all_tenants("returned mail is of every tenant") as session, session.begin():
        return returned.note(session, notification, now=clock.utc_now())


@contextmanager
def opened(address: str) -> Iterator[Mailbox]:
    """Open a mailbox.

    :param address: the value of ``BOUNCE_MAILBOX``.
    """
    parts = urlsplit(address)
    if parts.scheme == "maildir":
        yield MaildirBox(parts.path)
        return
    context = ssl.create_default_context(cafile=current_app.config["MAIL_CA_FILE"])
    if parts.scheme == "imaps":
        server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            parts.hostname or "", parts.port or _IMAPS_PORT, ssl_context=context, timeout=TIMEOUT
        )
    else:
        server = imaplib.IMAP4(parts.hostname or "", parts.port or _IMAP_PORT, timeout=TIMEOUT)
    with server:
        if parts.scheme == "imap+starttls":
            server.starttls(context)
        server.login(unquote(parts.username or ""), unquote(parts.password or ""))
        folder = unquote(parts.path.strip("/")) or "INBOX"
        _checked(server.select(f'"{folder}"'))
        yield ImapBox(server)
        server.expunge()


class MaildirBox:
    """A Maildir on this machine, to which a mail server delivers.

    :param path: its folder, which must exist.
    """

    def __init__(self, path: str) -> None:
        self._box = mailbox.Maildir(path, create=False)

    def keys(self) -> list[str]:
        """Return the keys of all mails."""
        return list(self._box.keys())

    def content(self, key: str) -> bytes | None:
        """Return the beginning of a mail; None if another worker has just deleted it."""
        try:
            with self._box.get_file(key) as file:
                return bytes(file.read(MAX_BYTES))
        except (KeyError, FileNotFoundError):
            return None

    def delete(self, key: str) -> None:
        """Delete a mail."""
        self._box.discard(key)

    def set_aside(self, key: str) -> None:
        """Move a mail to the folder ``Unknown``. If this is interrupted in between, the mail is there twice."""
        try:
            # As bytes: the email package would fail to parse and write some of these mails.
            content = self._box.get_bytes(key)
        except (KeyError, FileNotFoundError):
            return
        self._box.add_folder(UNKNOWN).add(content)
        self._box.discard(key)


class ImapBox:
    """The selected folder of an IMAP server. Flagged mails are those that were set aside.

    :param server: a connection with a selected folder.
    """

    def __init__(self, server: imaplib.IMAP4) -> None:
        self._server = server

    def keys(self) -> list[str]:
        """Return the UIDs of the mails that are not flagged, oldest first."""
        (found,) = _checked(self._server.uid("SEARCH", "UNFLAGGED"))
        return found.decode("ascii").split() if found else []

    def content(self, key: str) -> bytes | None:
        """Return the beginning of a mail; None if it is no longer there."""
        found = _checked(self._server.uid("FETCH", key, f"(BODY.PEEK[]<0.{MAX_BYTES}>)"))
        return next((bytes(each[1]) for each in found if isinstance(each, tuple)), None)

    def delete(self, key: str) -> None:
        """Mark a mail as deleted; it is gone when the run ends."""
        _checked(self._server.uid("STORE", key, "+FLAGS.SILENT", r"(\Deleted)"))

    def set_aside(self, key: str) -> None:
        """Flag a mail."""
        _checked(self._server.uid("STORE", key, "+FLAGS.SILENT", r"(\Flagged)"))


def _checked(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error("the server refused a command")
    return data
