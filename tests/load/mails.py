"""A mail server that notes what it accepts: ``python -m tests.load.mails 2525 folder``.

Each accepted message becomes a line of ``folder/accepted``, before it is acknowledged: the Message-ID and the time.
"""

from __future__ import annotations

import asyncio
import email
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from app.local.launch import HOST

FILE = "accepted"


class Notes:
    """The handler of the server."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / FILE).open("a", encoding="utf-8", buffering=1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's name)
        """Note a message."""
        headers = email.message_from_bytes(envelope.content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        self._file.write(f"{headers['Message-ID']} {time.time()}\n")
        return "250 OK"


def accepted(folder: Path) -> dict[str, list[float]]:
    """Return the times at which each message was accepted, by its Message-ID without the host."""
    found: dict[str, list[float]] = {}
    for line in (folder / FILE).read_text(encoding="utf-8").splitlines():
        message_id, at = line.split()
        found.setdefault(message_id.strip("<>").partition("@")[0], []).append(float(at))
    return found


async def _serve(port: int, folder: Path) -> None:
    notes = Notes(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(notes, hostname="load.example.jp", enable_SMTPUTF8=True), HOST, port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
