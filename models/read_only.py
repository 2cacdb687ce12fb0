"""Sessions that only read, for requests that change nothing: PostgreSQL refuses every change in their transactions."""

from __future__ import annotations

from sqlalchemy import Connection, func
from sqlalchemy.orm import Session

from models.db import psycopg_connection

_KEY = "read_only"

READ_ONLY = {_KEY: True}
"""The ``info`` of a session that only reads, beside its tenant scope."""

_PLAN = {"plan_cache_mode": "force_custom_plan"}

PLAN_BY_VALUES = func.set_config("plan_cache_mode", _PLAN["plan_cache_mode"], True)
"""The expression that lets PostgreSQL plan each further statement of a transaction for its values.

Otherwise it would plan a prepared statement for any values from the sixth time on, if it expects that to be as good: a
search in the alerts then takes fifty times as long. Selected by a statement whose plan does not depend on its values.
"""


def make_read_only(session: Session) -> None:
    """Let a session only read, from its next transaction on."""
    session.info.update(READ_ONLY)


def begin(session: Session, connection: Connection) -> None:
    """Make the transaction of a session read-only if the session is.

    Its first statement has not been sent yet. The pool hands out connections that can write (``app.database.timeouts``).
    """
    if _KEY in session.info:
        psycopg_connection(connection).read_only = True


def settings(session: Session) -> dict[str, str]:
    """Return the settings of the transactions of a session that only reads, which do what ``PLAN_BY_VALUES`` does."""
    return dict(_PLAN) if _KEY in session.info else {}
