"""How long something has waited, in words."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import ngettext


def format_waiting_time(time: timedelta) -> str:
    """Return a waiting time in its largest unit of days, hours or minutes."""
    if time.days >= 1:
        return ngettext("%(count)s day", "%(count)s days", time.days, count=time.days)
    hours, rest = divmod(max(0, time.seconds), 3600)
    if hours:
        return ngettext("%(count)s hour", "%(count)s hours", hours, count=hours)
    return ngettext("%(count)s minute", "%(count)s minutes", rest // 60, count=rest // 60)
