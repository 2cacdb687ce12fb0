"""A mail server for tests: takes what comes, or answers as it is told."""

from __future__ import annotations

import email
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Answer = Callable[[str], str | None]
"""For a recipient the line to refuse it with, None to take it."""


def _take(_recipient: str) -> None:
    """Refuse nobody."""


@dataclass
class Sink:
    """What arrived, and how the server answers.

    :ivar raw: each message as it came over the wire, in the order of arrival.
    :ivar on_recipient: asked at RCPT TO.
    :ivar on_data: asked at the end of DATA, for the first recipient.
    """

    port: int
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    on_recipient: Answer = _take
    on_data: Answer = _take

    @property
    def messages(self) -> list[EmailMessage]:
        """What arrived, read as mail programmes read it."""
        return [email.message_from_bytes(each, policy=SMTP_POLICY) for each in self.raw]

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        refusal = self.on_recipient(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (the same)
        """Take or refuse a message."""
        refusal = self.on_data(envelope.rcpt_tos[0])
        if refusal is None:
            self.raw.append(envelope.original_content)
            self.recipients += envelope.rcpt_tos
            self.senders.append(envelope.mail_from)
        return refusal or "250 OK"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def listening(sink: Sink) -> Iterator[Sink]:
    """Let a sink listen; outside of this its port refuses connections."""
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, ready_timeout=20)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
