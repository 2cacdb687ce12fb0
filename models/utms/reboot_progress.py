"""What happens to reboots by themselves: plans become due, UTMs fetch commands and report, requests become overdue.

Each step reads the state from the row it has locked, so it may run at any time, late, twice or concurrently.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import BindParameter, ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from models import audit
from models.actor import SYSTEM, Actor
from models.row_lock import lock_all
from models.utms.reboot import Reboot, RebootFailure, RebootState, end, open_of
from models.utms.utm import Utm, UtmState

FETCHED_WITHIN = timedelta(minutes=15)
"""The time in which a UTM must fetch the command."""
BACK_WITHIN = timedelta(minutes=15)
"""The time in which a UTM must come back after it fetched the command."""
VERIFIED_WITHIN = timedelta(days=1)
"""How long after a reported success the UTM's new boot is looked for."""


class Reported(StrEnum):
    """What a UTM reports of a command."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Report(NamedTuple):
    """A report of a UTM on a command.

    :ivar at: the time by the UTM's clock, if it says so.
    """

    state: Reported
    at: datetime | None = None
    message: str | None = None


def tenants_with_due_reboots(session: Session, *, now: datetime) -> list[str]:
    """Return the tenants with plans that are due, or overdue requests.

    :param session: a cross-tenant session.
    """
    found = select(Reboot.tenant_id).where(or_(_is_due(now), _is_overdue(now))).distinct()
    return list(session.scalars(found.order_by(Reboot.tenant_id)))


def start_due(session: Session, *, now: datetime, online_for: timedelta, wait_for: timedelta) -> None:
    """Turn the tenant's plans that are due into requests; those of UTMs that are not online wait, and finally fail.

    A plan also waits while another reboot of its UTM is running.

    :param online_for: how long a UTM counts as online after its last call.
    :param wait_for: how long a plan waits for its UTM to be online.
    """
    due = session.scalars(select(Reboot.utm_id).where(_is_due(now))).all()
    utms = lock_all(session, Utm, due)
    reboots = open_of(session, utms)
    started, failed = [], []
    for utm in utms.values():
        plan = reboots.get((utm.id, RebootState.SCHEDULED))
        if plan is None or plan.due_at > now or (utm.id, RebootState.REQUESTED) in reboots:
            continue
        if utm.state(now=now, online_for=online_for) == UtmState.ONLINE:
            plan.state, plan.requested_at = RebootState.REQUESTED, now
            started.append(audit.change_of(plan))
        elif plan.waiting_since is None:
            # From now on, not from the planned time: after an outage of the portal every UTM seems to be offline.
            plan.waiting_since = now
        elif now - plan.waiting_since >= wait_for:
            failed.append(end(plan, RebootState.FAILED, now=now, failure=RebootFailure.OFFLINE))
    audit.record_all(session, "reboot.requested", started, by=SYSTEM)
    audit.record_all(session, "reboot.failed", failed, by=SYSTEM)


def fail_overdue(session: Session, *, now: datetime) -> None:
    """End the tenant's requests that their UTM did not fetch, or from which it did not come back, in time."""
    overdue = session.scalars(
        select(Reboot).where(_is_overdue(now)).order_by(Reboot.id).with_for_update(skip_locked=True)
    )
    failed = [
        end(
            each,
            RebootState.FAILED,
            now=now,
            failure=RebootFailure.NOT_FETCHED if each.delivered_at is None else RebootFailure.NO_RESULT,
        )
        for each in overdue
    ]
    audit.record_all(session, "reboot.failed", failed, by=SYSTEM)


def commands_for(session: Session, utm: Utm, *, boot_id: str | None, now: datetime) -> list[int]:
    """Return the commands for a UTM that has just sent a heartbeat: the IDs of its requested reboots, at most one.

    A command is returned until the UTM reports on it. A UTM in another boot than when it fetched the command has rebooted.

    :param boot_id: identifies the boot that the UTM is in; None if the UTM does not report that.
    """
    found = session.scalars(
        select(Reboot)
        .where(Reboot.utm_id == utm.id, concerns_heartbeat(now - VERIFIED_WITHIN))
        .order_by(Reboot.id)
        .with_for_update()
    )
    commands = []
    for reboot in found:
        if reboot.delivered_at is None:
            reboot.delivered_at, reboot.boot_id = now, boot_id
        elif None not in (boot_id, reboot.boot_id) and boot_id != reboot.boot_id:
            reboot.verified_at = now
            if reboot.state == RebootState.REQUESTED:
                _succeed(session, utm, reboot, now=now)
        if reboot.state == RebootState.REQUESTED and reboot.started_at is None:
            commands.append(reboot.id)
    return commands


def concerns_heartbeat(verifiable_since: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition for reboots that a heartbeat of their UTM delivers or verifies.

    :param verifiable_since: ``VERIFIED_WITHIN`` before the heartbeat.
    """
    return or_(
        Reboot.state == RebootState.REQUESTED,
        and_(
            Reboot.state == RebootState.SUCCEEDED,
            Reboot.verified_at.is_(None),
            Reboot.boot_id.is_not(None),
            Reboot.ended_at > verifiable_since,
        ),
    )


def record_report(session: Session, utm: Utm, command_id: int, report: Report, *, now: datetime) -> bool:
    """Store what a UTM reports of a command; return False if it was never given that command.

    A report on a reboot that has ended, or one that is repeated, changes nothing.
    """
    reboot = session.scalar(
        select(Reboot)
        .where(Reboot.id == command_id, Reboot.utm_id == utm.id, Reboot.delivered_at.is_not(None))
        .with_for_update()
    )
    if reboot is None:
        return False
    repeated = report.state == Reported.STARTED and reboot.started_at is not None
    if reboot.state != RebootState.REQUESTED or repeated:
        return True
    reboot.reported_at, reboot.message = report.at, report.message
    match report.state:
        case Reported.STARTED:
            reboot.started_at = now
        case Reported.SUCCEEDED:
            _succeed(session, utm, reboot, now=now)
        case Reported.FAILED:
            change = end(reboot, RebootState.FAILED, now=now, failure=RebootFailure.REPORTED)
            audit.record_all(session, "reboot.failed", [change], by=_actor(utm))
    return True


def _succeed(session: Session, utm: Utm, reboot: Reboot, *, now: datetime) -> None:
    audit.record_all(session, "reboot.succeeded", [end(reboot, RebootState.SUCCEEDED, now=now)], by=_actor(utm))


def _actor(utm: Utm) -> Actor:
    return Actor(f"utm {utm.utm_id}")


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(Reboot.state == RebootState.SCHEDULED, Reboot.due_at <= now)


def _is_overdue(now: datetime) -> ColumnElement[bool]:
    return and_(
        Reboot.state == RebootState.REQUESTED,
        or_(
            and_(Reboot.delivered_at.is_(None), Reboot.requested_at <= now - FETCHED_WITHIN),
            Reboot.delivered_at <= now - BACK_WITHIN,
        ),
    )
