"""The mailbox of the demonstration: a mail server on this machine that keeps what it is given and passes nothing on.

メール送信履歴 shows the same mails; the folder has them as mail programmes read them (Maildir).
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.local.supervisor import Child

HOST = "127.0.0.1"
FOLDER = "mailbox"


@dataclass(frozen=True, slots=True)
class MailSink:
    """The server, not started yet.

    :ivar folder: where the mails go.
    :ivar env: what lets the portal's processes send to it.
    """

    child: Child
    folder: Path
    env: Mapping[str, str]


def mail_sink(settings: Mapping[str, Any], environ: Mapping[str, str]) -> MailSink | None:
    """The mailbox of a demonstration; None outside one, and where a mail server is given.

    :param settings: of ``config.load()``.
    :param environ: what the person who starts the portal has set.
    """
    if settings["PRODUCTION"] or not settings["PORTAL_DEMO"] or environ.get("MAIL_SERVER"):
        return None
    folder = settings["PORTAL_INSTANCE"] / FOLDER
    port = _free_port()
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"{HOST}:{port}"]
    child = Child("mailbox", [*command, "-c", "aiosmtpd.handlers.Mailbox", str(folder)])
    env = {"MAIL_SERVER": HOST, "MAIL_PORT": str(port), "MAIL_USE_TLS": "0", "MAIL_USERNAME": ""}
    return MailSink(child, folder, env)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
