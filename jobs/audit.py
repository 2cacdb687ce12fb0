"""Record the heads of the audit log's chains outside the database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from flask import current_app

from jobs.job import job
from models import clock
from models.errors import N_
from models.operations import audit_chain
from models.operations.schedule import Entry, daily
from models.scope import all_tenants

SCHEDULE = (
    Entry(
        "audit-heads",
        N_("Record the state of the audit log"),
        "jobs.audit.record_heads",
        daily(2, 45),
    ),
)


@job(entry="audit-heads")
def record_heads() -> None:
    """Append the signed heads of all chains to the file of the setting AUDIT_HEADS_FILE.

    A run that was killed leaves at most a damaged line, which verification reports. The next run begins a new line.
    """
    with all_tenants("the audit log of every tenant is recorded") as session:
        found = audit_chain.heads(session)
    key = audit_chain.signing_key(current_app.config["SECRET_KEY"])
    line = audit_chain.signed(found, at=clock.utc_now(), key=key)
    path = Path(current_app.config["AUDIT_HEADS_FILE"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("a+b") as file:
        if file.seek(0, os.SEEK_END) and _last_byte(file) != b"\n":
            line = "\n" + line
        file.write(f"{line}\n".encode())


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
