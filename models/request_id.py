"""The ID of the request that the running code works for: of the current request, or of the one that enqueued the job.

The application sets it; rules read it only to write it down, next to what the request caused.
"""

from __future__ import annotations

from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current() -> str | None:
    """Return the ID, None outside requests and in jobs of the schedule."""
    return _current.get()


def enter(request_id: str | None) -> None:
    """Set the ID for what this thread does from now on; None to forget it."""
    _current.set(request_id)
