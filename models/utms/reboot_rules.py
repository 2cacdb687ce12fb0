"""What an operator may do with reboots of UTMs (§7.12.1); what follows is in ``models.utms.reboot_progress``.

Whoever makes or changes an open reboot locks the row of its UTM first, so that of two people, or of a person and the job,
the second sees what the first did.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models import audit
from models.actor import Actor
from models.errors import N_, DomainError
from models.row_lock import lock_all
from models.utms import mails
from models.utms.reboot import Reboot, RebootState, end, open_of
from models.utms.utm import Utm, UtmState

SLOT = timedelta(minutes=15)
"""Reboots are planned for multiples of this time; they are the same in Asia/Tokyo and UTC."""
HORIZON = timedelta(days=90)
"""How far ahead a reboot can be planned."""
REMEMBERED = timedelta(days=60)
"""How far back 状態確認 looks."""

NOT_ONLINE = N_("A UTM can be rebooted only while it is online.")
NEVER_CONNECTED = N_("The UTM has never connected.")
REQUESTED_ALREADY = N_("A reboot has been requested.")
REMOVED = N_("The UTM has been removed.")
NO_PLAN = N_("No reboot is scheduled.")
SAME_TIME = N_("The reboot is already scheduled for this time.")
PLAN_CHANGED = N_("The scheduled reboot has changed in the meantime. Check it again.")
NOT_A_SLOT = N_("Choose a multiple of 15 minutes.")
PAST_SLOT = N_("Choose a time in the future.")
TOO_FAR = N_("Choose a time within the next 90 days.")


@dataclass(slots=True)
class Outcome:
    """What became of an operation on UTMs.

    :ivar done: the UTMs for which it was done, with their reboots.
    :ivar replaced: the plans that were replaced.
    :ivar skipped: the other UTMs with the reason, a translatable message.
    :ivar not_mailed: the UTMs without an address for the mail.
    """

    done: list[tuple[Utm, Reboot]] = field(default_factory=list)
    replaced: list[Reboot] = field(default_factory=list)
    skipped: list[tuple[Utm, str]] = field(default_factory=list)
    not_mailed: list[Utm] = field(default_factory=list)

    def only(self) -> Outcome:
        """Return this outcome of an operation on one UTM.

        :raises DomainError: it was skipped.
        """
        if self.skipped:
            raise DomainError(self.skipped[0][1])
        return self


def first_slot(now: datetime) -> datetime:
    """Return the first time that a reboot can be planned for."""
    seconds = int(SLOT.total_seconds())
    return datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, now.tzinfo)


def check_slots(first: datetime, last: datetime, *, now: datetime) -> None:
    """Check the first and the last time of plans.

    :raises DomainError: a reboot cannot be planned for them.
    """
    if first.timestamp() % SLOT.total_seconds():
        raise DomainError(NOT_A_SLOT, "time")
    if first <= now:
        raise DomainError(PAST_SLOT, "time")
    if last > now + HORIZON:
        raise DomainError(TOO_FAR, "day")


def request_now(
    session: Session, utm_ids: Collection[int], *, now: datetime, online_for: timedelta, by: Actor
) -> Outcome:
    """Request a reboot of UTMs (今すぐ再起動); those that are not online, or are being rebooted, are skipped.

    :param utm_ids: the UTMs' primary keys.
    :param online_for: how long a UTM counts as online after its last call.
    """
    outcome = Outcome()
    utms, reboots = _locked(session, utm_ids)
    made = []
    for utm in utms:
        if utm.removed_at is not None:
            outcome.skipped.append((utm, REMOVED))
        elif (utm.id, RebootState.REQUESTED) in reboots:
            outcome.skipped.append((utm, REQUESTED_ALREADY))
        elif utm.state(now=now, online_for=online_for) != UtmState.ONLINE:
            outcome.skipped.append((utm, NOT_ONLINE))
        else:
            reboot = _new(utm, RebootState.REQUESTED, now, now=now, by=by)
            reboot.requested_at = now
            made.append((utm, reboot))
    _add(session, made, "reboot.requested", by=by)
    outcome.done = made
    return outcome


def schedule(
    session: Session,
    plans: Mapping[int, datetime],
    *,
    now: datetime,
    by: Actor,
    shown: Mapping[int, int | None] | None = None,
) -> Outcome:
    """Plan a reboot of UTMs (日時指定で再起動). A plan replaces the previous one of its UTM; only the new one is mailed.

    :param plans: the time of each UTM, by primary key.
    :param shown: the plans that the person saw, by UTM; None if that does not matter.
    :raises DomainError: a reboot cannot be planned for one of the times.
    """
    check_slots(min(plans.values()), max(plans.values()), now=now)
    outcome = Outcome()
    utms, reboots = _locked(session, plans)
    made, ended = [], []
    for utm in utms:
        plan = reboots.get((utm.id, RebootState.SCHEDULED))
        if utm.removed_at is not None:
            outcome.skipped.append((utm, REMOVED))
        elif utm.last_seen_at is None:
            outcome.skipped.append((utm, NEVER_CONNECTED))
        elif _differs(plan, utm, shown):
            outcome.skipped.append((utm, PLAN_CHANGED))
        elif plan is not None and plan.due_at == plans[utm.id]:
            outcome.skipped.append((utm, SAME_TIME))
        else:
            if plan is not None:
                ended.append(end(plan, RebootState.CANCELLED, now=now))
                outcome.replaced.append(plan)
            made.append((utm, _new(utm, RebootState.SCHEDULED, plans[utm.id], now=now, by=by)))
    # Before the new plans are inserted: a UTM has one at most.
    session.flush()
    audit.record_all(session, "reboot.replaced", ended, by=by)
    _add(session, made, "reboot.scheduled", by=by)
    outcome.done = made
    _mail(session, outcome, mails.reboot_scheduled, now=now)
    return outcome


def cancel_plans(
    session: Session,
    utm_ids: Collection[int],
    *,
    now: datetime,
    by: Actor,
    shown: Mapping[int, int | None] | None = None,
) -> Outcome:
    """Cancel the plans of UTMs (再起動予定を取り消す).

    :param shown: the plans that the person saw, by UTM; None if that does not matter.
    """
    outcome = Outcome()
    utms, reboots = _locked(session, utm_ids)
    ended = []
    for utm in utms:
        plan = reboots.get((utm.id, RebootState.SCHEDULED))
        if _differs(plan, utm, shown):
            outcome.skipped.append((utm, PLAN_CHANGED))
        elif plan is None:
            outcome.skipped.append((utm, NO_PLAN))
        else:
            ended.append(end(plan, RebootState.CANCELLED, now=now))
            outcome.done.append((utm, plan))
    audit.record_all(session, "reboot.cancelled", ended, by=by)
    _mail(session, outcome, mails.reboot_cancelled, now=now)
    return outcome


class LastResult(StrEnum):
    """The answer of 状態確認."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RUNNING = "requested"
    NONE = "none"


def last_result(session: Session, utm_id: int, *, now: datetime) -> tuple[LastResult, Reboot | None]:
    """Return the result of the last reboot of a UTM within 60 days, and the reboot itself.

    :param utm_id: the UTM's primary key.
    """
    at = func.coalesce(Reboot.requested_at, Reboot.due_at)
    reboot = session.scalar(
        select(Reboot)
        .where(
            Reboot.utm_id == utm_id,
            Reboot.state.in_((RebootState.REQUESTED, RebootState.SUCCEEDED, RebootState.FAILED)),
            at >= now - REMEMBERED,
        )
        .order_by(at.desc(), Reboot.id.desc())
        .limit(1)
    )
    return (LastResult.NONE, None) if reboot is None else (LastResult(reboot.state), reboot)


def _locked(session: Session, utm_ids: Collection[int]) -> tuple[list[Utm], dict[tuple[int, str], Reboot]]:
    """Lock UTMs; return them by UTM ID, and their open reboots by UTM and state."""
    utms = lock_all(session, Utm, utm_ids, load=(joinedload(Utm.customer),))
    return sorted(utms.values(), key=lambda utm: utm.utm_id), open_of(session, utms)


def _differs(plan: Reboot | None, utm: Utm, shown: Mapping[int, int | None] | None) -> bool:
    return shown is not None and shown.get(utm.id) != (plan.id if plan else None)


def _new(utm: Utm, state: RebootState, due_at: datetime, *, now: datetime, by: Actor) -> Reboot:
    return Reboot(
        tenant_id=utm.tenant_id,
        utm_id=utm.id,
        state=state,
        planned=state == RebootState.SCHEDULED,
        asked_at=now,
        asked_by=by.name,
        due_at=due_at,
    )


def _add(session: Session, made: Sequence[tuple[Utm, Reboot]], action: str, *, by: Actor) -> None:
    changes = [audit.change_of(reboot) for _, reboot in made]
    session.add_all(reboot for _, reboot in made)
    session.flush()
    audit.record_all(session, action, changes, by=by)


def _mail(session: Session, outcome: Outcome, write: Callable[..., bool], *, now: datetime) -> None:
    outcome.not_mailed = [utm for utm, reboot in outcome.done if not write(session, utm, reboot, now=now)]
