from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models.utms.fleet import Fleet, SecurityStatus, fleet_of, security_status
from models.utms.utm import Utm, UtmState, in_state

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ONLINE_FOR = timedelta(minutes=10)


@pytest.fixture
def utms(make):
    tenant = make.tenant()
    seen = [timedelta(), ONLINE_FOR, ONLINE_FOR + timedelta(seconds=1), None, None, None]
    rows = [make.utm(tenant=tenant, last_seen_at=None if ago is None else NOW - ago) for ago in seen]
    make.utm(tenant=tenant, last_seen_at=NOW - timedelta(days=1), removed_at=NOW)
    make.utm(last_seen_at=NOW)
    return rows


def test_the_utms_of_a_tenant_and_of_a_customer_are_counted_by_state(utms, in_tenant):
    with in_tenant(utms[0].tenant_id) as session:
        of_tenant = fleet_of(session, now=NOW, online_for=ONLINE_FOR)
        of_customer = fleet_of(session, now=NOW, online_for=ONLINE_FOR, customer_id=utms[2].customer_id)

    assert of_tenant == Fleet(online=2, offline=1, unconnected=3)
    assert of_customer == Fleet(offline=1)


@pytest.mark.parametrize("state", UtmState)
def test_the_database_decides_a_state_as_the_model_does(utms, in_tenant, state):
    with in_tenant(utms[0].tenant_id) as session:
        found = set(session.scalars(select(Utm.id).where(in_state(state, now=NOW, online_for=ONLINE_FOR))))

    assert {each.id for each in utms if each.id in found} == {
        each.id for each in utms if each.state(now=NOW, online_for=ONLINE_FOR) == state
    }


@pytest.mark.parametrize(
    ("fleet", "alerts", "status"),
    [
        (Fleet(), 0, SecurityStatus.NO_UTM),
        (Fleet(), 1, SecurityStatus.PROBLEMS),
        (Fleet(online=2), 0, SecurityStatus.CLEAR),
        (Fleet(online=2), 1, SecurityStatus.PROBLEMS),
        (Fleet(online=2, offline=1), 0, SecurityStatus.NOT_MONITORED),
        (Fleet(online=2, offline=1), 1, SecurityStatus.PROBLEMS),
        (Fleet(online=2, unconnected=1), 0, SecurityStatus.NOT_MONITORED),
    ],
)
def test_nothing_was_found_only_where_every_utm_is_online(fleet, alerts, status):
    assert security_status(fleet, important_alerts=alerts) == status
