"""アラート数 and 問題: read from the daily counts, by days of Tokyo."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from models.alerts import search as alert_search
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
    ("first", "last", "counts"),
    [(TODAY, TODAY, (6, 1)), (YESTERDAY, YESTERDAY, (3, None)), (YESTERDAY, TODAY, (9, 1))],
)
def test_alerts_are_counted_for_each_utm(session, ours, beside, first, last, counts):
    found = alert_search.counts_by_utm(session, ours.customer.id, first=first, last=last)

    assert (found.get(ours.utm.id), found.get(beside.id)) == counts


@pytest.mark.usefixtures("_arrived")
@pytest.mark.parametrize(
    ("first", "last", "count"),
    [(TODAY, TODAY, 3), (YESTERDAY, YESTERDAY, 3), (YESTERDAY, TODAY, 6), (TODAY + timedelta(days=1), TODAY, 0)],
)
def test_important_ones_are_counted_over_all_utms(session, ours, first, last, count):
    assert alert_search.important_count(session, ours.customer.id, first=first, last=last) == count


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
    assert alert_search.counts_by_utm(session, theirs.customer.id, first=YESTERDAY, last=TODAY) == {}
    assert alert_search.important_count(session, theirs.customer.id, first=YESTERDAY, last=TODAY) == 0
