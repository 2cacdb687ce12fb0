"""How messages are handed to the mail server: over verified TLS, to addresses as SMTP takes them."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select
from sqlalchemy.orm import Session

import config
from jobs.mail import send_due
from models.db import db
from models.mail import outbox
from models.mail.outbox import MailMessage
from models.scope import all_tenants
from tests.support.mail_sink import Sink, free_port, listening

pytestmark = pytest.mark.usefixtures("context")

CERTIFICATE = Path(__file__).with_name("localhost.pem")
VALUES = {"Email": "hanako@example.jp", "PortalUrl": "https://portal.example.jp"}


@pytest.fixture
def use(app, monkeypatch):
    """Let the portal send through a server: ``use(sink, use_tls=True)``."""

    def use_server(sink: Sink, **values) -> None:
        for name, value in {"server": "127.0.0.1", "port": sink.port, "suppress": False, **values}.items():
            monkeypatch.setattr(app.extensions["mail"], name, value)

    return use_server


@contextmanager
def listening_with_tls(sink: Sink):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    controller = Controller(
        sink, hostname="127.0.0.1", port=sink.port, ready_timeout=20, tls_context=context, require_starttls=True
    )
    controller.start()
    try:
        yield
    finally:
        controller.stop()


def sent_to(recipient: str) -> MailMessage:
    with Session(db.engine) as session, session.begin():
        outbox.write(session, "account_locked", recipient, VALUES, now=datetime.now(UTC))
    send_due()
    with all_tenants(reason="a test looks") as session:
        return session.scalars(select(MailMessage)).one()


def test_a_server_whose_certificate_nobody_signed_gets_nothing(use):
    sink = Sink(free_port())
    use(sink, use_tls=True)
    with listening_with_tls(sink):
        row = sent_to("hanako@example.jp")

    assert (row.state, sink.raw) == ("pending", [])
    assert "certificate verify failed" in row.last_error


def test_a_certificate_of_a_private_authority_is_accepted_once_it_is_set(app, use, monkeypatch):
    monkeypatch.setitem(app.config, "MAIL_CA_FILE", str(CERTIFICATE))
    sink = Sink(free_port())
    use(sink, use_tls=True)
    with listening_with_tls(sink):
        row = sent_to("hanako@example.jp")

    assert (row.state, sink.recipients) == ("sent", ["hanako@example.jp"])


def test_a_certificate_of_another_host_is_refused(app, use, monkeypatch):
    monkeypatch.setitem(app.config, "MAIL_CA_FILE", str(CERTIFICATE))
    sink = Sink(free_port())
    use(sink, use_tls=True, server="127.0.0.2")
    with monkeypatch.context() as patch:
        patch.setattr("smtplib.SMTP._get_socket", lambda _self, _host, _port, timeout: connect(sink.port, timeout))
        with listening_with_tls(sink):
            row = sent_to("hanako@example.jp")

    assert (row.state, sink.raw) == ("pending", [])
    assert "127.0.0.2" in row.last_error


def connect(port: int, timeout: float):
    return socket.create_connection(("127.0.0.1", port), timeout)


def test_a_server_without_tls_gets_nothing_where_tls_is_set(use):
    sink = Sink(free_port())
    use(sink, use_tls=True)
    with listening(sink):
        row = sent_to("hanako@example.jp")

    assert (row.state, sink.raw) == ("pending", [])


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("hanako..yamada@docomo.ne.jp", '"hanako..yamada"@docomo.ne.jp'),
        ("hanako.@ezweb.ne.jp", '"hanako."@ezweb.ne.jp'),
        ("hanako.yamada@example.jp", "hanako.yamada@example.jp"),
    ],
)
def test_addresses_of_mobile_carriers_are_quoted(use, monkeypatch, address, wire):
    sink = Sink(free_port())
    use(sink)
    commands = []
    send = smtplib.SMTP.putcmd
    monkeypatch.setattr(
        smtplib.SMTP, "putcmd", lambda host, name, rest="": (commands.append((name, rest)), send(host, name, rest))
    )
    with listening(sink):
        row = sent_to(address)

    assert (row.state, row.recipient) == ("sent", address)
    # The test's server takes the quotes off.
    assert [rest for name, rest in commands if name.upper() == "RCPT"] == [f"TO:<{wire}>"]
    assert f"\r\nTo: {wire}\r\n".encode() in sink.raw[0]


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_certificates_is_refused_at_start(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(config.SettingError, match="MAIL_CA_FILE must be a file of certificates in PEM format"):
        config.load({"PORTAL_INSTANCE": str(tmp_path), "MAIL_CA_FILE": str(path)})
