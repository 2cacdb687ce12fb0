"""Whatever people, UTMs and the scheduler do in whatever order: no reboot is lost, started twice or changed after its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.actor import SYSTEM, Actor
from models.audit import AuditEntry
from models.errors import DomainError
from models.utms import reboot_progress, reboot_rules
from models.utms.reboot import Reboot, RebootState
from models.utms.reboot_progress import Report, Reported
from models.utms.utm import Utm

BEGIN = datetime(2026, 12, 24, 3, 0, tzinfo=UTC)
ONLINE_FOR = timedelta(minutes=10)
WAIT_FOR = timedelta(minutes=60)
PERSON = Actor("operator@example.jp")
ORDER = {
    None: {"scheduled", "requested"},
    "scheduled": {"requested", "failed", "cancelled"},
    "requested": {"succeeded", "failed"},
}


class RebootMachine(RuleBasedStateMachine):
    """One UTM in a transaction that is rolled back; time goes on, or jumps by an hour."""

    session: Session
    utm: Utm

    @initialize()
    def begin(self) -> None:
        self.point = self.session.begin_nested()
        self.now, self.boot, self.known = BEGIN, 0, {}

    def teardown(self) -> None:
        self.point.rollback()
        self.session.expire_all()

    @rule(minutes=st.sampled_from([1, 5, 15, 60, -60]))
    def time_goes_on(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def tried(self, act, *args, **values) -> None:
        try:
            act(self.session, *args, now=self.now, by=PERSON, **values).only()
        except DomainError:
            return

    @rule()
    def request(self) -> None:
        self.tried(reboot_rules.request_now, [self.utm.id], online_for=ONLINE_FOR)

    @rule(slots=st.integers(0, 4))
    def plan(self, slots: int) -> None:
        due = reboot_rules.first_slot(self.now) + slots * reboot_rules.SLOT
        self.tried(reboot_rules.schedule, {self.utm.id: due})

    @rule()
    def cancel(self) -> None:
        self.tried(reboot_rules.cancel_plans, [self.utm.id])

    @rule()
    def sweep(self) -> None:
        reboot_progress.fail_overdue(self.session, now=self.now)
        reboot_progress.start_due(self.session, now=self.now, online_for=ONLINE_FOR, wait_for=WAIT_FOR)

    @rule(new_boot=st.booleans(), told=st.booleans())
    def heartbeat(self, new_boot: bool, told: bool) -> None:  # noqa: FBT001  (drawn)
        self.boot += new_boot
        self.utm.last_seen_at = self.now
        boot_id = str(self.boot) if told else None
        commands = reboot_progress.commands_for(self.session, self.utm, boot_id=boot_id, now=self.now)
        requested = select(Reboot.id).where(
            Reboot.utm_id == self.utm.id, Reboot.state == RebootState.REQUESTED, Reboot.started_at.is_(None)
        )
        assert commands == list(self.session.scalars(requested))

    @precondition(lambda self: self.known)
    @rule(state=st.sampled_from(Reported), place=st.integers(0, 9))
    def report(self, state: Reported, place: int) -> None:
        key = sorted(self.known)[place % len(self.known)]
        reboot_progress.record_report(self.session, self.utm, key, Report(state), now=self.now)

    @invariant()
    def every_step_is_allowed(self) -> None:
        self.session.flush()
        rows = self.session.scalars(select(Reboot).where(Reboot.utm_id == self.utm.id).order_by(Reboot.id)).all()
        for row in rows:
            before = self.known.get(row.id)
            assert before == row.state or row.state in ORDER.get(before, set()), (before, row.state)
            assert row.verified_at is None or row.state == RebootState.SUCCEEDED
        assert {row.id for row in rows} >= self.known.keys()
        self.known = {row.id: row.state for row in rows}
        for state in (RebootState.SCHEDULED, RebootState.REQUESTED):
            assert [row.state for row in rows].count(state) <= 1
        starts = self.session.execute(
            select(AuditEntry.subject_id, func.count())
            .where(AuditEntry.action == "reboot.requested")
            .group_by(AuditEntry.subject_id)
        )
        assert {count for _, count in starts} <= {1}


def test_no_reboot_is_lost_or_started_twice(make, in_tenant):
    utm = make.utm(last_seen_at=BEGIN)
    with in_tenant(utm.tenant_id) as session:
        RebootMachine.session, RebootMachine.utm = session, session.get_one(Utm, utm.id)
        run_state_machine_as_test(
            RebootMachine,
            settings=settings(
                max_examples=25,
                stateful_step_count=25,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


@pytest.mark.parametrize("minute", [0, 7, 59])
def test_the_first_slot_is_the_next_quarter_of_an_hour(minute):
    first = reboot_rules.first_slot(BEGIN + timedelta(minutes=minute))

    assert first == BEGIN + timedelta(minutes=minute // 15 * 15 + 15)


def test_requests_of_several_people_at_once_become_one(make, engine):
    from tests.support.concurrency import outcomes

    utm = make.utm(last_seen_at=BEGIN)

    def request(session, _number):
        reboot_rules.request_now(session, [utm.id], now=BEGIN, online_for=ONLINE_FOR, by=SYSTEM).only()

    found = outcomes(engine, utm.tenant_id, request)

    assert (found["done"], found[reboot_rules.REQUESTED_ALREADY]) == (1, 15)
