"""§7.14: the average is that of the alerts themselves, and does not reveal the number of one company."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from sqlalchemy import text

from models import clock, scope
from models.alerts import comparison
from models.alerts.alert import SecurityFunction
from models.reports.averages import NoAverage, compare
from models.reports.span import Span
from tests.support.alerts import line

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
NOW = datetime(2026, 12, 3, 3, 0, tzinfo=UTC)
TODAY = date(2026, 12, 3)
STARTED = date(2026, 10, 15)


@pytest.fixture
def crossing(context):
    with scope.all_tenants("a test compares companies of all tenants") as session:
        yield session


@pytest.fixture
def companies(make):
    """UTMs of seven customers of three tenants: six that take part in November, and one that does not."""
    tenants = [make.tenant() for _ in range(3)]
    utms = [make.utm(customer_row=make.customer(tenant=tenants[number % 3])) for number in range(7)]
    for utm in utms[:6]:
        make.contract(customer_row=utm.customer, start_on=STARTED)
    return utms


@pytest.fixture
def determine(crossing):
    def now(*months: date) -> None:
        for month in months:
            comparison.determine_companies(crossing, month)
        crossing.commit()

    return now


def scattered(pick: random.Random, count: int) -> list[tuple[int, bytes]]:
    times = [NOW - timedelta(minutes=pick.randrange(60 * 24 * 34)) for _ in range(count)]
    kinds = [str(pick.choice(list(SecurityFunction))) for _ in range(count)]
    return [(n, line(n, at=at, type=kind)) for n, (at, kind) in enumerate(zip(times, kinds, strict=True), 1)]


def all_spans() -> list[Span]:
    months = [Span.of_month(month, latest=TODAY) for month in (NOVEMBER, DECEMBER)]
    return months + [Span.of_day(date(2026, 11, day)) for day in (1, 2, 15, 30)] + [Span.of_day(date(2026, 12, 1))]


def shown(utm, spans=None):
    with scope.all_tenants("a test compares companies of all tenants") as session:
        return [compare(session, utm.tenant_id, utm.customer_id, span) for span in spans or all_spans()]


def slow(session, customer_id: str, span: Span) -> tuple[dict, dict]:
    """Count the alerts one by one: the customer's own, and the average of the others."""
    compared = set(
        session.scalars(
            text("SELECT customer_id FROM comparison_participant WHERE month = :month"), {"month": span.month}
        )
    ) - {customer_id}
    own, others = ({str(function): span.series() for function in SecurityFunction} for _ in range(2))
    for customer, at, function in session.execute(text("SELECT customer_id, occurred_at, function FROM alert")):
        local = at.astimezone(clock.TOKYO)
        if not span.first <= local.date() <= span.last:
            continue
        point = local.hour if span.by_hour else local.day - 1
        if customer == customer_id:
            own[function][point] += 1
        elif customer in compared:
            others[function][point] += 1
    average = {
        function: [float(Fraction(number, len(compared))) for number in series] for function, series in others.items()
    }
    return own, average


def test_the_average_is_that_of_the_alerts_one_by_one(companies, arrive, crossing, determine):
    pick = random.Random(714)
    for utm in companies:
        arrive(utm, scattered(pick, pick.choice([0, 20, 60])), now=NOW)
    determine(NOVEMBER, DECEMBER)
    for utm in companies:
        arrive(utm, scattered(pick, 30), now=NOW)

    for utm in (companies[0], companies[4], companies[6]):
        for span, found in zip(all_spans(), shown(utm), strict=True):
            own, average = slow(crossing, utm.customer_id, span)
            assert found.own == own
            assert found.average == average
            assert sum(map(sum, average.values())) > 0 or span.by_hour


def test_an_hour_and_its_day_count_the_same_alerts_of_the_same_companies(companies, arrive, determine):
    pick = random.Random(715)
    for utm in companies:
        arrive(utm, scattered(pick, 80), now=NOW)
    determine(NOVEMBER, DECEMBER)
    (month,) = shown(companies[0], [Span.of_month(NOVEMBER, latest=TODAY)])

    for day in (1, 2, 15, 30):
        (hours,) = shown(companies[0], [Span.of_day(date(2026, 11, day))])
        for function in hours.own:
            assert sum(hours.own[function]) == month.own[function][day - 1]
            assert sum(hours.average[function]) == pytest.approx(month.average[function][day - 1])


def test_contracts_of_one_company_change_no_average_of_a_month_that_is_determined(
    make, companies, arrive, crossing, determine
):
    pick = random.Random(716)
    joining = companies[6]
    for utm in companies:
        arrive(utm, scattered(pick, 60), now=NOW)
    determine(NOVEMBER, DECEMBER)
    viewers = (companies[0], companies[1], joining)
    before = [shown(utm) for utm in viewers]

    make.contract(customer_row=joining.customer, start_on=STARTED)
    determine(NOVEMBER, DECEMBER)
    assert [shown(utm) for utm in viewers] == before
    for change in ("end_on = DATE '2026-11-10', status = 'cancelled'", "status = 'void'"):
        crossing.execute(
            text(f"UPDATE contract SET {change} WHERE customer_id = :id"), {"id": companies[5].customer_id}
        )
        determine(NOVEMBER, DECEMBER)
        assert [shown(utm) for utm in viewers] == before
    for month in (NOVEMBER, DECEMBER):
        comparison.count_month(crossing, month)
    crossing.commit()
    assert [shown(utm) for utm in viewers] == before


def test_with_fewer_than_five_other_companies_there_is_no_average(make, companies, arrive, determine):
    pick = random.Random(717)
    for utm in companies[:5]:
        arrive(utm, scattered(pick, 20), now=NOW)
    make.session.execute(
        text("UPDATE contract SET status = 'void' WHERE customer_id = :id"), {"id": companies[5].customer_id}
    )
    make.session.commit()
    determine(NOVEMBER)
    november = [Span.of_month(NOVEMBER, latest=TODAY)]

    (member,), (outside,) = shown(companies[0], november), shown(companies[6], november)
    (december,) = shown(companies[0], [Span.of_month(DECEMBER, latest=TODAY)])

    assert (member.average, member.reason) == (None, NoAverage.TOO_FEW)
    assert sum(map(sum, member.own.values())) > 0
    assert outside.average is not None
    assert (december.average, december.reason) == (None, NoAverage.NOT_DETERMINED)


def test_an_average_takes_one_statement_besides_entering(companies, determine, statements):
    determine(NOVEMBER)
    statements.clear()

    shown(companies[0], [Span.of_month(NOVEMBER, latest=TODAY)])

    assert len(statements) == 2
    assert statements[0].startswith("SET LOCAL role")
