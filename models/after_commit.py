"""Work that jobs should pick up right after a commit instead of at the next scheduled run.

Rules register a topic here; ``app.background.enqueue_after_commit`` listens for the commit and enqueues the job. The
signal may get lost (for example while Redis is down), so the work itself must be a row that the scheduled job finds.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

MAIL = "mail"
"""Messages are waiting in the outbox."""

SMS = "sms"
"""SMS are waiting in their outbox."""

IMPORTS = "imports"
"""An import is to be run or undone."""

FORGOTTEN = "forgotten passwords"
"""People ask for a link because they have forgotten their password."""

_KEY = "after_commit"


def register(session: Session, what: str) -> None:
    """Register a topic for when the session's transaction commits. A rollback discards it."""
    session.info.setdefault(_KEY, set()).add(what)


def take(session: Session) -> set[str]:
    """Return and clear the topics registered so far."""
    taken: set[str] = session.info.pop(_KEY, set())
    return taken
