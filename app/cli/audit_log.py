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


class Verification:
    """A comparison of the audit log with its chains, and of these with the heads that were signed earlier."""

    def __init__(self, heads_file: str | None) -> None:
        """Prepare a verification.

        :param heads_file: the path of signed heads; None for the file of the settings, which need not exist.
        """
        self._path = Path(heads_file or current_app.config["AUDIT_HEADS_FILE"])
        self._heads: list[Head] = []
        self._has_signed_line = False

    def problems(self) -> Iterator[str]:
        """Return what is wrong with the audit log, one line each."""
        yield from self._read()
        with all_tenants("the audit log of every tenant is verified") as session:
            allow_long_statements(session.connection(), seconds=_SECONDS)
            for finding in audit_chain.verify(session, self._heads):
                yield f"{_title(finding.chain)}: {finding.problem}"

    def gaps(self) -> Iterator[str]:
        """Return what could not be verified for lack of signed heads, one line each. Call it after ``problems``."""
        if not self._path.exists():
            yield f"{self._path} does not exist"
        elif not self._has_signed_line:
            yield f"{self._path} has no line with a valid signature"
        with all_tenants("the audit log of every tenant is verified") as session:
            allow_long_statements(session.connection(), seconds=_SECONDS)
            names = audit_chain.without_head(session, self._heads)
        for name in names:
            yield f"{_title(name)}: there is no signed head, so entries may be missing at the end"

    def _read(self) -> Iterator[str]:
        """Read the signed heads, and return what is wrong with their lines."""
        if not self._path.exists():
            return
        secret_keys = (current_app.config["SECRET_KEY"], *current_app.config["SECRET_KEY_FALLBACKS"])
        keys = [audit_chain.signing_key(each) for each in secret_keys]
        for number, line in enumerate(self._path.read_text("utf-8").splitlines(), 1):
            found = next((heads for key in keys if (heads := audit_chain.read_signed(line, key=key)) is not None), None)
            if found is None:
                yield f"{self._path}, line {number}: the signature is wrong"
            else:
                self._has_signed_line = True
                self._heads += found


def _title(chain: str) -> str:
    return "outside tenants" if chain == OUTSIDE_TENANTS else f"tenant {chain}"
