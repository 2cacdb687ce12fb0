"""§7.13: the numbers of the threat report are those of the stored statistics."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session

from models.alerts import threat_stat_ingest
from models.alerts.ingest import Sender
from models.reports.span import Span
from models.reports.threats import threat_report

NOW = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
TODAY, YESTERDAY = date(2026, 11, 22), date(2026, 11, 21)


@pytest.fixture
def report(engine, ours):
    """Store statistics of our UTM, and return the report."""

    def made(*stats: tuple[str, str, str, int], span: Span, utm=None):
        of = utm or ours.utm
        raw = [
            json.dumps({"hour": f"{hour}:00:00+09:00", "function": function, "category": category, "count": count})
            for hour, function, category, count in stats
        ]
        with Session(engine, info={"tenant_scope": of.tenant_id}) as session:
            sender = Sender(of.tenant_id, of.customer_id, of.id)
            lines = [(number, each.encode()) for number, each in enumerate(raw, 1)]
            threat_stat_ingest.store(session, sender, lines, now=NOW, retention_months=13)
            session.commit()
        with Session(engine, info={"tenant_scope": ours.tenant_id}) as session:
            return threat_report(session, ours.customer.id, span)

    return made


def test_a_day_has_hours_and_categories_the_largest_first(report):
    found = report(
        ("2026-11-20T23", "url_filter", "SNS", 100),
        ("2026-11-21T00", "url_filter", "SNS", 3),
        ("2026-11-21T23", "url_filter", "SNS", 4),
        ("2026-11-21T23", "url_filter", "Games", 7),
        ("2026-11-21T23", "url_filter", "Quiet", 0),
        ("2026-11-21T09", "app_guard", "P2P", 2_000_000_000),
        ("2026-11-21T09", "app_guard", "P2Q", 2_000_000_000),
        ("2026-11-21T09", "antivirus", "EICAR", 9),
        ("2026-11-22T00", "url_filter", "SNS", 100),
        span=Span.of_day(YESTERDAY),
    )

    url, app = found.functions["url_filter"], found.functions["app_guard"]
    assert {hour: count for hour, count in enumerate(url.series) if count} == {0: 3, 23: 11}
    assert url.categories == [("Games", 7), ("SNS", 7)]
    assert (app.series[9], app.total) == (4_000_000_000, 4_000_000_000)
    assert found.received_at == NOW


def test_a_month_has_the_days_up_to_the_latest(report):
    span = Span.of_month(TODAY, latest=YESTERDAY)

    found = report(
        ("2026-10-31T23", "url_filter", "SNS", 100),
        ("2026-11-01T00", "url_filter", "SNS", 1),
        ("2026-11-21T23", "url_filter", "SNS", 2),
        ("2026-11-22T00", "url_filter", "SNS", 100),
        span=span,
    )

    assert found.functions["url_filter"].series == [1, *[0] * 19, 2]
    assert list(span.points) == list(range(1, 22))


def test_other_customers_have_a_report_of_their_own(report, ours, theirs, make):
    span = Span.of_day(YESTERDAY)
    for utm in (theirs.utm, make.utm(tenant=make.tenant())):
        report(("2026-11-21T00", "url_filter", "SNS", 3), span=span, utm=utm)

    found = report(span=span)

    assert [threats.total for threats in found.functions.values()] == [0, 0]
    assert found.received_at is None
