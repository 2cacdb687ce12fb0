"""§4.2: the important alerts and the offline UTMs of each tenant, beside its name."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import clock
from models.alerts.alert import AlertDaily
from tests.support.pages import Page, answered


@pytest.fixture
def alerts(make):
    """Store daily counts: ``alerts(utm, 3, days_ago=1)``."""

    def store(utm, count, *, days_ago=0, level="high"):
        day = clock.tokyo_day(clock.utc_now()) - timedelta(days=days_ago)
        make.save(
            AlertDaily(
                tenant_id=utm.tenant_id,
                utm_id=utm.id,
                customer_id=utm.customer_id,
                day=day,
                function="ips",
                level=level,
                count=count,
            )
        )

    return store


@pytest.fixture
def two(make, signed_in, alerts):
    """A client of two tenants: one with two offline UTMs and seven important alerts, one without a UTM."""
    first, second = make.tenant(), make.tenant()
    now = clock.utc_now()
    offline = [make.utm(tenant=first, last_seen_at=now - timedelta(hours=1)) for _ in range(2)]
    make.utm(tenant=first, last_seen_at=now)
    make.utm(tenant=first, last_seen_at=now - timedelta(hours=1), removed_at=now)
    alerts(offline[0], 3)
    alerts(offline[0], 4, days_ago=30)
    alerts(offline[1], 50, days_ago=31)
    alerts(offline[1], 60, level="low")
    foreign = make.utm(last_seen_at=now - timedelta(hours=1))
    alerts(foreign, 9)
    member = make.member(first, "Partner Operator")
    make.join(member, second, "Partner Viewer")
    client = signed_in(member)
    client.tenants = (first, second)
    return client


def test_each_tenant_has_its_figures_of_31_days(two):
    page = Page(two.get("/tenants/").text)

    assert page.column("重要アラート数") == ["7", "0"]
    assert page.column("オフラインのUTM") == ["2", "0"]


@pytest.mark.parametrize(("to", "leads_to"), [("offline", "/utms/?state=offline"), ("alerts", "/#important")])
def test_a_figure_opens_the_list_it_counts_in_its_tenant(two, to, leads_to):
    form = Page(two.get("/tenants/").text).form_to(f"/tenants/select?to={to}")

    answer = two.post(form.action, data={"tenant_id": two.tenants[0].id} | dict(answered(form.sent())))

    assert answer.location == leads_to
    assert two.tenants[0].name in two.get(answer.location).text


def test_an_unknown_destination_is_the_dashboard(two):
    assert two.post("/tenants/select?to=//evil", data={"tenant_id": two.tenants[0].id}).location == "/"


def test_who_may_not_see_the_lists_sees_no_figures(make, signed_in, two):
    role = make.role(None, "Customers can_list", "Customers can_show")
    member = make.user()
    for tenant in two.tenants:
        make.join(member, tenant, role.name)

    page = Page(signed_in(member).get("/tenants/").text)

    assert page.column("重要アラート数") == page.column("オフラインのUTM") == ["-", "-"]


def test_the_figures_cost_as_many_statements_for_many_tenants_as_for_few(make, signed_in, alerts, statements):
    staff = signed_in(make.elevated("NEC Staff"))
    costs = []
    for more in (2, 20):
        for _ in range(more):
            alerts(make.utm(), 1)
        staff.get("/tenants/")
        statements.clear()
        staff.get("/tenants/")
        costs.append(len(statements))

    assert costs[0] == costs[1], statements
