"""§7.15: the numbers by UTM are those of the alerts, and a removed UTM is shown while it has some."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from models.reports.span import Span
from models.reports.utms import alerts_by_utm
from tests.support.alerts import line

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
DAY, MONTH = Span.of_day(TODAY), Span.of_month(TODAY, latest=TODAY)


def test_each_utm_has_its_alerts_and_the_largest_is_first(make, arrive, ours, theirs, in_tenant):
    branch = make.utm(customer_row=ours.customer, name="支店")
    quiet = make.utm(customer_row=ours.customer, name="倉庫")
    gone = make.utm(customer_row=ours.customer, name="旧店舗", removed_at=NOW)
    make.utm(customer_row=ours.customer, name="もっと旧店舗", removed_at=NOW)
    other = make.utm(customer_row=make.customer(tenant=make.tenant()))
    arrive(branch, [(n, line(n, at=NOW - timedelta(minutes=n))) for n in range(1, 4)])
    arrive(ours.utm, [(1, line(1, at=NOW - timedelta(days=20), type="antivirus"))])
    arrive(gone, [(n, line(n, at=NOW - timedelta(days=20, minutes=n), type="ips")) for n in (1, 2)])
    for utm in (theirs.utm, other):
        arrive(utm, [(1, line(1, at=NOW))])

    with in_tenant(ours.tenant_id) as session:
        day, month = (alerts_by_utm(session, ours.customer.id, span) for span in (DAY, MONTH))

    assert [(utm.id, utm.total) for utm in month] == [(branch.id, 3), (gone.id, 2), (ours.utm.id, 1), (quiet.id, 0)]
    assert month[1].removed_at == NOW
    assert (month[2].series["antivirus"][1], month[2].totals["antivirus"]) == (1, 1)
    assert {utm.id: utm.total for utm in day} == {branch.id: 3, ours.utm.id: 0, quiet.id: 0}
    assert day[0].series["ips"][11] == 3


def test_the_alerts_of_an_exchanged_utm_count_for_the_one_in_its_place(make, arrive, ours, in_tenant):
    first = make.utm(customer_row=ours.customer, name="本社", removed_at=NOW)
    second = make.utm(customer_row=ours.customer, name="本社", removed_at=NOW, replaces_id=first.id)
    third = make.utm(customer_row=ours.customer, name="本社", replaces_id=second.id)
    for utm, days in ((first, 10), (second, 5), (second, 5), (third, 5)):
        at = NOW - timedelta(days=days, minutes=utm.id)
        arrive(utm, [(1, line(utm.id, at=at))])

    with in_tenant(ours.tenant_id) as session:
        found = alerts_by_utm(session, ours.customer.id, MONTH)

    assert [(utm.id, utm.total) for utm in found] == [(third.id, 3), (ours.utm.id, 0)]
    assert (found[0].series["ips"][11], found[0].series["ips"][16]) == (1, 2)
