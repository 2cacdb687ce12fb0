"""The counts behind the comparison with other companies, against a count of the alerts themselves."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from models import clock, scope
from models.alerts import comparison, rollups
from tests.support.alerts import line

NOVEMBER = date(2026, 11, 1)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def crossing(context):
    with scope.all_tenants("a test compares companies of all tenants") as session:
        yield session


@pytest.fixture
def participating(make):
    """UTMs of two customers with a contract in November, in two tenants, and of one without."""
    utms = [make.utm(customer_row=make.customer()) for _ in range(3)]
    for utm in utms[:2]:
        make.contract(customer_row=utm.customer, start_on=date(2026, 10, 15))
    return utms


def rows(session, table: str) -> list[tuple]:
    return [tuple(row) for row in session.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4"))]


def scattered(pick: random.Random, count: int) -> list[tuple[int, bytes]]:
    times = [NOW - timedelta(minutes=pick.randrange(60 * 24 * 40)) for _ in range(count)]
    kinds = [pick.choice(["ips", "antivirus", "url_filter"]) for _ in range(count)]
    return [(n, line(n, at=at, type=kind)) for n, (at, kind) in enumerate(zip(times, kinds, strict=True), 1)]


def slow_counts(session, months: set[date]) -> Counter:
    """Count alerts of the participants one by one."""
    takes_part = {
        (row[0], row[1]) for row in session.execute(text("SELECT customer_id, month FROM comparison_participant"))
    }
    counts: Counter = Counter()
    for tenant, customer, at, function in session.execute(
        text("SELECT tenant_id, customer_id, occurred_at, function FROM alert")
    ):
        local = at.astimezone(clock.TOKYO)
        month = local.date().replace(day=1)
        if month in months and (customer, month) in takes_part:
            counts[tenant, local.date(), local.hour, function] += 1
            counts[tenant, local.date(), comparison.WHOLE_DAY, function] += 1
    return counts


def fast_counts(session) -> dict:
    return {row[:4]: row[4] for row in rows(session, "comparison_count")}


def test_companies_with_a_contract_on_the_first_day_take_part(make, crossing):
    contracts = {
        "before": {"start_on": date(2026, 10, 15)},
        "from the first": {"start_on": NOVEMBER},
        "from the second": {"start_on": date(2026, 11, 2)},
        "ended": {"start_on": date(2025, 10, 1), "end_on": date(2026, 10, 31), "status": "cancelled"},
        "cancelled to the first": {"start_on": date(2025, 10, 1), "end_on": NOVEMBER, "status": "cancelled"},
        "void": {"start_on": date(2026, 10, 15), "status": "void"},
        "none": None,
    }
    tenant = make.tenant()
    names = {}
    for name, values in contracts.items():
        customer = make.customer(tenant=tenant)
        names[customer.id] = name
        if values is not None:
            make.contract(customer_row=customer, **values)

    assert comparison.determine_companies(crossing, NOVEMBER) is True
    crossing.commit()

    found = crossing.scalars(text("SELECT customer_id FROM comparison_participant")).all()
    assert sorted(names[each] for each in found) == ["before", "cancelled to the first", "from the first"]
    assert crossing.get_one(comparison.ComparisonMonth, NOVEMBER).companies == 3


def test_the_companies_of_a_month_stay_the_same(make, participating, crossing):
    comparison.determine_companies(crossing, NOVEMBER)
    crossing.commit()
    make.contract(start_on=date(2026, 10, 1))

    assert comparison.determine_companies(crossing, NOVEMBER) is False
    crossing.commit()
    assert crossing.scalar(text("SELECT count(*) FROM comparison_participant")) == 2


def test_counts_are_those_of_the_alerts_whatever_came_first(participating, arrive, crossing):
    pick = random.Random(14)
    for utm in participating:
        arrive(utm, scattered(pick, 60))
    comparison.determine_companies(crossing, NOVEMBER)
    crossing.commit()
    again = scattered(pick, 60)
    for utm in (*participating, participating[0]):
        arrive(utm, again)  # the last one a second time: duplicates are not counted

    assert fast_counts(crossing) == slow_counts(crossing, {NOVEMBER}) != {}
    assert {key[2] for key in fast_counts(crossing)} > {comparison.WHOLE_DAY}

    before = [rows(crossing, table) for table in ("alert_daily", "comparison_count")]
    crossing.execute(text("UPDATE alert_daily SET count = count + 1"))
    crossing.execute(text("UPDATE comparison_count SET count = count + 1"))
    for month in (date(2026, 10, 1), NOVEMBER):
        rollups.rebuild_month(crossing, month)
    assert [rows(crossing, table) for table in ("alert_daily", "comparison_count")] == before


def test_months_within_the_retention_period_are_determined_once(crossing):
    first = comparison.missing_months(crossing, now=NOW, months=13)
    for month in first:
        comparison.determine_companies(crossing, month)

    assert (first[0], first[-1], len(first)) == (date(2025, 10, 1), NOVEMBER, 14)
    assert comparison.missing_months(crossing, now=NOW, months=13) == []
    assert comparison.missing_months(crossing, now=NOW + timedelta(days=9), months=13) == [date(2026, 12, 1)]
