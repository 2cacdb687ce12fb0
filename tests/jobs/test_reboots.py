"""Reboots become requests once, whatever happens to the scheduler, Redis, the database or the clock (§7.12)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import reboots
from jobs.job import JobFailed
from jobs.tick import tick
from models.audit import AuditEntry
from models.db import db
from models.utms import reboot_progress
from models.utms.utm import Utm

pytestmark = pytest.mark.usefixtures("context")

DUE = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
"""03:00 on the next day in Tokyo."""


@pytest.fixture
def utm(make):
    return make.utm(last_seen_at=DUE)


@pytest.fixture
def plan(make, utm):
    return make.reboot(utm_row=utm, due_at=DUE)


def sweep(minutes: float = 0) -> None:
    """Run the job some minutes after the plan is due."""
    with time_machine.travel(DUE + timedelta(minutes=minutes), tick=False):
        reboots.sweep()


def heartbeat(utm, minutes: float = 0, *, boot_id: str | None = None) -> list[int]:
    """Let the UTM call some minutes after the plan is due; return its commands."""
    now = DUE + timedelta(minutes=minutes)
    with Session(db.engine, info={"tenant_scope": utm.tenant_id}) as session, session.begin():
        found = session.get_one(Utm, utm.id)
        found.last_seen_at = now
        return reboot_progress.commands_for(session, found, boot_id=boot_id, now=now)


def kept(make, reboot):
    make.session.rollback()
    make.session.refresh(reboot)
    return reboot


def requests(make) -> int:
    """How often a plan became a request, as the audit log has it."""
    make.session.rollback()
    return len(make.session.scalars(select(AuditEntry.id).where(AuditEntry.action == "reboot.requested")).all())


def test_a_plan_becomes_a_request_when_it_is_due_and_is_in_the_next_heartbeat(make, utm, plan):
    sweep(-1)
    before = kept(make, plan).state
    sweep()
    sweep(1)

    assert (before, kept(make, plan).state, plan.requested_at) == ("scheduled", "requested", DUE)
    assert heartbeat(utm, 1) == heartbeat(utm, 2) == [plan.id]
    assert requests(make) == 1


def test_a_scheduler_that_was_down_for_hours_starts_it_once_it_is_back(make, utm, plan):
    heartbeat(utm, 300)
    sweep(300)
    sweep(301)

    assert (kept(make, plan).state, requests(make)) == ("requested", 1)


def test_after_an_outage_of_the_portal_every_utm_gets_the_time_to_come_back(make, utm, plan):
    sweep(300)
    waiting = kept(make, plan).waits
    heartbeat(utm, 301)
    sweep(301)

    assert (waiting, kept(make, plan).state, heartbeat(utm, 302)) == (True, "requested", [plan.id])


def test_an_emptied_redis_delays_it_by_a_minute_at_most(app, make, plan, new_timetable, waiting):
    new_timetable(DUE)
    with time_machine.travel(DUE, tick=False):
        tick()
    app.extensions["redis"].flushdb()
    with time_machine.travel(DUE + timedelta(minutes=1), tick=False):
        tick()
    assert "jobs.reboots.sweep" in waiting()["urgent"]
    sweep(1)

    assert (kept(make, plan).state, requests(make)) == ("requested", 1)


def test_a_database_that_was_away_loses_nothing(make, utm, plan, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(reboot_progress, "lock_all", lambda *_args: 1 / 0)
        with pytest.raises(JobFailed):
            sweep()
    assert kept(make, plan).state == "scheduled"
    sweep(1)

    assert (kept(make, plan).state, heartbeat(utm, 1)) == ("requested", [plan.id])


def test_many_schedulers_at_once_start_each_plan_once(app, make):
    utms = [make.utm(last_seen_at=DUE) for _ in range(6)]
    plans = [make.reboot(utm_row=utm, due_at=DUE) for utm in utms]
    together = Barrier(4)

    def run(_number: int) -> None:
        with app.app_context():
            together.wait(timeout=20)
            reboots.sweep()

    with time_machine.travel(DUE, tick=False), ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))

    assert {kept(make, each).state for each in plans} == {"requested"}
    assert requests(make) == 6


def test_a_clock_that_jumps_an_hour_forth_and_back_starts_it_once(make, utm, plan):
    sweep(60)  # the clock is an hour ahead: the UTM, seen a moment ago, seems to be offline
    heartbeat(utm, 60)
    sweep(61)
    first = kept(make, plan).state, heartbeat(utm, 61)
    sweep(1)
    sweep(2)

    assert first == ("requested", [plan.id])
    assert (kept(make, plan).state, heartbeat(utm, 2), requests(make)) == ("requested", [plan.id], 1)


def test_a_plan_waits_an_hour_for_its_utm_and_then_has_failed(make, plan, utm):
    utm.last_seen_at = DUE - timedelta(minutes=30)
    make.save(utm)
    for minutes in (0, 30, 59):
        sweep(minutes)
        assert kept(make, plan).waits
    sweep(60)

    assert (kept(make, plan).state, plan.failure, plan.requested_at) == ("failed", "offline", None)
    assert heartbeat(utm, 61) == []


def test_a_plan_waits_until_another_reboot_of_its_utm_has_ended(make, plan, utm):
    running = make.reboot(utm_row=utm, state="requested", due_at=DUE - timedelta(minutes=5), planned=False)
    sweep()
    before = kept(make, plan).state
    sweep(10)

    assert (before, kept(make, running).failure, kept(make, plan).state) == ("scheduled", "not_fetched", "requested")


@pytest.mark.parametrize(("delivered", "failure"), [(None, "not_fetched"), (DUE + timedelta(minutes=5), "no_result")])
def test_a_request_fails_a_quarter_of_an_hour_after_the_last_sign(make, utm, delivered, failure):
    request = make.reboot(utm_row=utm, state="requested", due_at=DUE, delivered_at=delivered)
    end = 20 if delivered else 15
    sweep(end - 0.1)
    before = kept(make, request).state
    sweep(end)

    assert (before, kept(make, request).state, request.failure) == ("requested", "failed", failure)
    assert heartbeat(utm, end + 1, boot_id="another") == []


def test_an_error_in_one_tenant_keeps_no_other_from_its_reboots(make, plan, monkeypatch):
    other = make.reboot(utm_row=make.utm(last_seen_at=DUE), due_at=DUE)
    start = reboot_progress.start_due

    def fail_in_the_first(session, **options):
        if session.info["tenant_scope"] == plan.tenant_id:
            raise ZeroDivisionError
        start(session, **options)

    monkeypatch.setattr(reboot_progress, "start_due", fail_in_the_first)
    with pytest.raises(JobFailed):
        sweep()

    assert (kept(make, plan).state, kept(make, other).state) == ("scheduled", "requested")
