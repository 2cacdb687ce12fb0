"""The mailbox of the demonstration: a local mail server that stores all mail and delivers none.

メール送信履歴 shows the same mails; the folder contains them in the Maildir format for mail programs.
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
    """The mail server, not started yet.

    :ivar folder: where it stores the mails.
    :ivar env: the environment variables that make the portal's processes use it.
    """

    child: Child
    folder: Path
    env: Mapping[str, str]


def mail_sink(settings: Mapping[str, Any], environ: Mapping[str, str]) -> MailSink | None:
    """Return the mailbox of a demonstration; None outside a demonstration, and if a mail server is configured.

    :param settings: the result of ``config.load()``.
    :param environ: the environment variables with which the portal was started.
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
