"""Demo reboots in every state, for UTM再起動."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select

from app.demo.context import DemoContext
from models import audit, clock
from models.actor import COMMAND_LINE
from models.tenants.tenant import Tenant
from models.utms.reboot import Reboot, RebootFailure, RebootState
from models.utms.utm import Utm

_OPERATOR = "operator@example.jp"
_NIGHT = time(3, 0)


@dataclass(frozen=True, slots=True)
class RebootPlan:
    """A reboot that was planned for 03:00 in the night.

    :ivar utm: the last three digits of the UTM ID.
    :ivar days: in how many days; negative for the past.
    """

    utm: str
    days: int
    state: RebootState
    verified: bool = False
    failure: RebootFailure | None = None
    message: str | None = None


PLANS = (
    RebootPlan("001", -34, RebootState.SUCCEEDED),
    RebootPlan("001", -6, RebootState.SUCCEEDED, verified=True),
    RebootPlan("001", 3, RebootState.SCHEDULED),
    RebootPlan("002", -20, RebootState.FAILED, failure=RebootFailure.NO_RESULT),
    RebootPlan("002", -19, RebootState.SUCCEEDED, verified=True),
    RebootPlan("003", -4, RebootState.FAILED, failure=RebootFailure.OFFLINE),
    RebootPlan("011", -2, RebootState.FAILED, failure=RebootFailure.REPORTED, message="firmware update in progress"),
    RebootPlan("011", 10, RebootState.SCHEDULED),
    RebootPlan("021", -9, RebootState.CANCELLED),
)


def make_reboots(context: DemoContext, tenant: Tenant) -> None:
    """Create planned and past reboots of the tenant's UTMs."""
    session = context.session
    utms = {utm.utm_id[-3:]: utm for utm in session.scalars(select(Utm).where(Utm.tenant_id == tenant.id))}
    for plan in PLANS:
        reboot = _reboot(plan, utms[plan.utm], context)
        session.add(reboot)
        _, after = audit.changes(reboot)
        session.flush()
        audit.record(session, "reboot.scheduled", reboot, by=COMMAND_LINE, after=after)


def _reboot(plan: RebootPlan, utm: Utm, context: DemoContext) -> Reboot:
    due_at = datetime.combine(context.today + timedelta(days=plan.days), _NIGHT, clock.TOKYO)
    was_requested = plan.state in (RebootState.SUCCEEDED, RebootState.FAILED) and plan.failure != RebootFailure.OFFLINE
    ended_at = None if plan.state == RebootState.SCHEDULED else due_at + timedelta(minutes=15 if plan.failure else 4)
    return Reboot(
        tenant_id=utm.tenant_id,
        utm_id=utm.id,
        state=plan.state,
        planned=True,
        asked_at=min(due_at, context.now) - timedelta(hours=16),
        asked_by=_OPERATOR,
        due_at=due_at,
        waiting_since=due_at if plan.failure == RebootFailure.OFFLINE else None,
        requested_at=due_at if was_requested else None,
        delivered_at=due_at + timedelta(seconds=40) if was_requested else None,
        verified_at=ended_at if plan.verified else None,
        ended_at=ended_at,
        failure=plan.failure,
        message=plan.message,
    )
