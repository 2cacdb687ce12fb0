"""アラート数 of many UTMs at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from models.alerts.fleet_counts import count_alerts
from tests.support.alerts import lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_the_alerts_of_a_period_are_counted_by_utm(make, arrive, in_tenant, ours, theirs):
    other = make.utm(customer_row=ours.customer)
    arrive(ours.utm, lines(3, at=NOW) + lines(2, at=NOW - timedelta(days=1)))
    arrive(other, lines(1, at=NOW))
    arrive(theirs.utm, lines(4, at=NOW))
    today = {"first": date(2026, 11, 22), "last": date(2026, 11, 22)}

    with in_tenant(ours.tenant_id) as session:
        assert count_alerts(session, **today) == {ours.utm.id: 3, other.id: 1}
        assert count_alerts(session, **today, utm_ids={other.id, theirs.utm.id}) == {other.id: 1}
        assert count_alerts(session, first=date(2026, 11, 21), last=date(2026, 11, 22))[ours.utm.id] == 5
        assert count_alerts(session, **today, utm_ids=set()) == {}
