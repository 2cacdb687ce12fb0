"""The number of UTMs in each state, and the security status that follows from it (§5.1, §7.4.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.utms.utm import Utm, UtmState, in_state


class Fleet(NamedTuple):
    """The numbers of UTMs in each state; removed ones are not counted."""

    online: int = 0
    offline: int = 0
    unconnected: int = 0

    @property
    def total(self) -> int:
        """The number of all UTMs."""
        return self.online + self.offline + self.unconnected


class SecurityStatus(StrEnum):
    """The security status of a tenant or customer. It is only ``CLEAR`` if every UTM is monitored and the alerts are known."""

    PROBLEMS = "problems"
    NO_UTM = "no_utm"
    NOT_MONITORED = "not_monitored"
    ALERTS_UNAVAILABLE = "alerts_unavailable"
    CLEAR = "clear"


def fleet_of(session: Session, *, now: datetime, online_for: timedelta, customer_id: str | None = None) -> Fleet:
    """Count the UTMs of the session's tenant, or of one of its customers.

    :param online_for: how long a UTM counts as online after its last call.
    :param customer_id: the customer, None for the whole tenant.
    """
    counts = [
        func.count(case((in_state(state, now=now, online_for=online_for), 1)))
        for state in (UtmState.ONLINE, UtmState.OFFLINE, UtmState.UNCONNECTED)
    ]
    statement = select(*counts).where(Utm.removed_at.is_(None))
    if customer_id is not None:
        statement = statement.where(Utm.customer_id == customer_id)
    row = session.execute(statement).one()
    return Fleet(row[0], row[1], row[2])


def security_status(fleet: Fleet, *, important_alerts: int | None) -> SecurityStatus:
    """Return the security status.

    :param important_alerts: the number of important alerts, None if it cannot be read at the moment.
    """
    if important_alerts:
        return SecurityStatus.PROBLEMS
    if not fleet.total:
        return SecurityStatus.NO_UTM
    if fleet.online < fleet.total:
        return SecurityStatus.NOT_MONITORED
    return SecurityStatus.ALERTS_UNAVAILABLE if important_alerts is None else SecurityStatus.CLEAR
