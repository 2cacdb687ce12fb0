"""How many UTMs are in which state, and whether what they say is the whole truth (§5.1, §7.4.5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from models.utms.utm import Utm, UtmState


class Fleet(NamedTuple):
    """The number of UTMs in each state; removed ones are not counted."""

    online: int = 0
    offline: int = 0
    unconnected: int = 0

    @property
    def total(self) -> int:
        """How many there are."""
        return self.online + self.offline + self.unconnected


class SecurityStatus(StrEnum):
    """What can be said of the security of some UTMs. ``CLEAR`` needs that each of them is monitored."""

    PROBLEMS = "problems"
    NO_UTM = "no_utm"
    NOT_MONITORED = "not_monitored"
    CLEAR = "clear"


def in_state(state: UtmState, *, now: datetime, online_for: timedelta) -> ColumnElement[bool]:
    """Return the condition that a UTM is in a state, as ``Utm.state`` decides.

    :param online_for: how long a UTM counts as online after its last call.
    """
    match state:
        case UtmState.UNCONNECTED:
            return Utm.last_seen_at.is_(None)
        case UtmState.ONLINE:
            return Utm.last_seen_at >= now - online_for
        case UtmState.OFFLINE:
            return and_(Utm.last_seen_at.is_not(None), Utm.last_seen_at < now - online_for)


def fleet_of_tenant(session: Session, *, now: datetime, online_for: timedelta) -> Fleet:
    """Return the UTMs of the session's tenant."""
    counts = [
        func.count(case((in_state(state, now=now, online_for=online_for), 1)))
        for state in (UtmState.ONLINE, UtmState.OFFLINE, UtmState.UNCONNECTED)
    ]
    row = session.execute(select(*counts).where(Utm.removed_at.is_(None))).one()
    return Fleet(row[0], row[1], row[2])


def fleet_of(utms: Iterable[Utm], *, now: datetime, online_for: timedelta) -> Fleet:
    """Return the same of UTMs that are loaded."""
    states = [utm.state(now=now, online_for=online_for) for utm in utms if utm.removed_at is None]
    return Fleet(states.count(UtmState.ONLINE), states.count(UtmState.OFFLINE), states.count(UtmState.UNCONNECTED))


def security_status(fleet: Fleet, *, important_alerts: int) -> SecurityStatus:
    """Return what can be said: that no threat was found only where each UTM was there to find one.

    :param important_alerts: how many important alerts there were.
    """
    if important_alerts:
        return SecurityStatus.PROBLEMS
    if not fleet.total:
        return SecurityStatus.NO_UTM
    return SecurityStatus.NOT_MONITORED if fleet.online < fleet.total else SecurityStatus.CLEAR
