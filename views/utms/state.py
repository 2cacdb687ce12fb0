"""The connection state (動作) of UTMs on screens."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app, get_template_attribute
from flask_babel import lazy_gettext

from models import clock
from models.utms.utm import Utm, UtmState, in_state
from views.screen.formats import Format

STATE_LABELS = {
    UtmState.ONLINE: lazy_gettext("Online"),
    UtmState.OFFLINE: lazy_gettext("Offline"),
    UtmState.UNCONNECTED: lazy_gettext("Never connected"),
}


class StateSince(NamedTuple):
    """A UTM's state, and when it called last; None for one that never did."""

    key: int
    name: str
    state: UtmState
    last_seen_at: datetime | None


def state_of(utm: Utm) -> StateSince:
    """Return the state of a UTM now."""
    state = utm.state(now=clock.utc_now(), online_for=current_app.config["UTM_ONLINE_FOR"])
    return StateSince(utm.id, utm.name, state, utm.last_seen_at)


def has_state(value: str) -> Any:
    """Return the condition that a UTM is in a state now.

    :param value: the state as page arguments have it.
    """
    return in_state(UtmState(value), now=clock.utc_now(), online_for=current_app.config["UTM_ONLINE_FOR"])


def _badge(shown: StateSince) -> Any:
    macro = get_template_attribute("macros/badges.html", "utm_state")
    return macro(shown.key, shown.name, shown.state, clock.screen_time(shown.last_seen_at))


STATE = Format(_badge, lambda shown: str(STATE_LABELS[shown.state]))
"""Shows a ``StateSince``; a file has the state alone."""
