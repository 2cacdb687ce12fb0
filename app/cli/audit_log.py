"""The steps of ``flask portal audit``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flask import current_app

from models.db import allow_long_statements
from models.operations import audit_chain
from models.operations.audit_chain import OUTSIDE_TENANTS, Head
from models.scope import all_tenants

_SECONDS = 600
"""How long a statement of the verification may take."""


def problems(heads_file: str | None) -> Iterator[str]:
    """Verify the audit log, and return what is wrong with it, one line each.

    :param heads_file: the path of signed heads; None for the file of the settings, which need not exist yet.
    """
    path = Path(heads_file or current_app.config["AUDIT_HEADS_FILE"])
    earlier: list[Head] = []
    secret_keys = (current_app.config["SECRET_KEY"], *current_app.config["SECRET_KEY_FALLBACKS"])
    keys = [audit_chain.signing_key(each) for each in secret_keys]
    if heads_file or path.exists():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            found = next((heads for key in keys if (heads := audit_chain.read_signed(line, key=key)) is not None), None)
            if found is None:
                yield f"{path}, line {number}: the signature is wrong"
            earlier += found or []
    with all_tenants("the audit log of every tenant is verified") as session:
        allow_long_statements(session.connection(), seconds=_SECONDS)
        for finding in audit_chain.verify(session, earlier):
            name = "outside tenants" if finding.chain == OUTSIDE_TENANTS else f"tenant {finding.chain}"
            yield f"{name}: {finding.problem}"
