"""When the session of a request ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app, g, url_for

from models import clock
from models.accounts.user_session import Timeouts

BACKGROUND = "X-Background"
"""The header of requests that a page sends by itself: they do not count as use of the session."""

WARNED_BEFORE = 300
"""How many seconds before the end of the session a page warns."""


def session_timeouts() -> Timeouts:
    """Return the timeouts of the settings."""
    settings = current_app.config
    return Timeouts(settings["SESSION_IDLE_TIMEOUT"], settings["PERMANENT_SESSION_LIFETIME"])


def warning() -> dict[str, Any]:
    """Return what the layout needs to warn before the end of the session."""
    return {
        "seconds": seconds_left(clock.utc_now()),
        "warned_before": WARNED_BEFORE,
        "url": url_for("SessionView.remaining"),
    }


def seconds_left(now: datetime) -> int:
    """Return in how many seconds the session of the request ends if it is not used again."""
    return max(0, int((g.session_ends_at - now).total_seconds()))


def may_extend(now: datetime) -> bool:
    """Return whether the session ends later if it is used again."""
    timeouts = session_timeouts()
    started = g.identity.signed_in_at
    return bool(timeouts.end(started_at=started, last_seen_at=now) > g.session_ends_at)
