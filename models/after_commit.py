"""What is to be looked at as soon as a transaction is committed, instead of at the next minute.

A rule notes a word here; ``app.background.enqueue_after_commit`` listens for the commit and wakes up a job. The wake-up may be lost (a Redis that
is away): what must happen is a row, which the timetable's sweep finds too.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

MAIL = "mail"
"""Messages wait in the outbox."""

_KEY = "wake"


def wake(session: Session, what: str) -> None:
    """Wake something up when the session's transaction is committed; nothing happens when it is rolled back."""
    session.info.setdefault(_KEY, set()).add(what)


def take(session: Session) -> set[str]:
    """What was noted since this was last asked."""
    taken: set[str] = session.info.pop(_KEY, set())
    return taken
