"""アラート数 and 問題: read from the daily counts, by days of Tokyo."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from models.alerts import counts
from models.alerts.important import important_by_customer
from tests.support.alerts import lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def session(in_tenant, ours):
    with in_tenant(ours.tenant_id) as session:
        yield session


@pytest.fixture
def beside(make, ours):
    """Another UTM of our customer."""
    return make.utm(customer_row=ours.customer)


@pytest.fixture
def _arrived(ours, beside, theirs, arrive) -> None:
    midnight = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # where the 22nd begins in Tokyo
    arrive(ours.utm, lines(2, at=midnight + timedelta(seconds=1), alert_severity="high"))
    arrive(ours.utm, lines(3, at=midnight - timedelta(seconds=1), alert_severity="high"))
    arrive(ours.utm, lines(4, at=NOW))
    arrive(beside, lines(1, at=NOW, alert_severity="high"))
    arrive(theirs.utm, lines(9, at=NOW, alert_severity="high"))


@pytest.mark.usefixtures("_arrived")
@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(TODAY, TODAY, (6, 1)), (YESTERDAY, YESTERDAY, (3, None)), (YESTERDAY, TODAY, (9, 1))],
)
def test_alerts_are_counted_for_each_utm(session, ours, beside, first, last, expected):
    found = counts.counts_by_utm(session, first=first, last=last, customer_id=ours.customer.id)

    assert (found.get(ours.utm.id), found.get(beside.id)) == expected


@pytest.mark.usefixtures("_arrived")
@pytest.mark.parametrize(
    ("first", "last", "count"),
    [(TODAY, TODAY, 3), (YESTERDAY, YESTERDAY, 3), (YESTERDAY, TODAY, 6), (TODAY + timedelta(days=1), TODAY, 0)],
)
def test_important_ones_are_counted_over_all_utms(session, ours, first, last, count):
    assert counts.important_count(session, ours.customer.id, first=first, last=last) == count


@pytest.mark.usefixtures("_arrived")
def test_customers_stand_by_their_important_alerts_most_first(session, make, ours, arrive):
    most, none = (make.utm(customer_row=make.customer(tenant_id=ours.tenant_id)) for _ in range(2))
    arrive(most, lines(5, at=NOW, alert_severity="high"))
    arrive(none, lines(5, at=NOW))

    ranking = important_by_customer(session, first=TODAY, last=TODAY, limit=5)
    assert ranking == [(most.customer_id, most.customer.name, 5), (ours.customer.id, ours.customer.name, 3)]
    assert important_by_customer(session, first=TODAY, last=TODAY, limit=1) == ranking[:1]


@pytest.mark.usefixtures("_arrived")
def test_another_tenants_counts_are_not_seen(session, theirs):
    assert counts.counts_by_utm(session, first=YESTERDAY, last=TODAY, customer_id=theirs.customer.id) == {}
    assert counts.important_count(session, theirs.customer.id, first=YESTERDAY, last=TODAY) == 0


def test_the_alerts_of_a_period_are_counted_by_utm(make, arrive, in_tenant, ours, theirs):
    other = make.utm(customer_row=ours.customer)
    arrive(ours.utm, lines(3, at=NOW) + lines(2, at=NOW - timedelta(days=1)))
    arrive(other, lines(1, at=NOW))
    arrive(theirs.utm, lines(4, at=NOW))
    today = {"first": date(2026, 11, 22), "last": date(2026, 11, 22)}

    with in_tenant(ours.tenant_id) as session:
        assert counts.counts_by_utm(session, **today) == {ours.utm.id: 3, other.id: 1}
        assert counts.counts_by_utm(session, **today, utm_ids={other.id, theirs.utm.id}) == {other.id: 1}
        assert counts.counts_by_utm(session, first=date(2026, 11, 21), last=date(2026, 11, 22))[ours.utm.id] == 5
        assert counts.counts_by_utm(session, **today, utm_ids=set()) == {}
