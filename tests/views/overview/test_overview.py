"""全テナントの状況, for NEC's staff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import clock
from models.alerts.alert import AlertDaily
from tests.support.pages import Page, answered

LABELS = [
    *("オフラインのUTM", "重要アラート数", "未承認サービス申請", "未承認UTM追加申請"),
    *("メール送信失敗", "未入金請求"),
]


def fill(make, tenant, count=1):
    """Give a tenant a number of everything that is counted, and of what is not."""
    now = clock.utc_now()
    for _ in range(count):
        utm = make.utm(tenant=tenant, last_seen_at=now - timedelta(hours=1))
        make.utm(tenant=tenant, last_seen_at=now)
        day = clock.tokyo_day(now)
        key = {"tenant_id": tenant.id, "utm_id": utm.id, "customer_id": utm.customer_id}
        make.save(AlertDaily(**key, day=day, function="ips", level="high", count=2))
        make.save(AlertDaily(**key, day=day, function="ips", level="low", count=90))
        make.service_application(tenant=tenant)
        make.service_application(tenant=tenant, state="held")
        make.service_application(tenant=tenant, state="denied")
        make.utm_application(tenant=tenant)
        make.mail(tenant_id=tenant.id, state="failed")
        make.mail(tenant_id=tenant.id, state="sent", sent_at=now)
        make.invoice(tenant=tenant)
        make.invoice(tenant=tenant, paid_on=day)


@pytest.fixture
def tenants(make):
    found = [make.tenant(name=name) for name in ("東販売", "西販売")]
    fill(make, found[1], 2)
    make.mail(state="failed")
    return found


@pytest.fixture
def staff(make, signed_in, tenants):
    return signed_in(make.elevated("NEC Staff"))


def test_every_tenant_has_its_figures_and_the_cards_add_them_up(staff):
    page = Page(staff.get("/staff/overview/").text)

    assert [[row[label] for label in LABELS] for row in page.rows] == [["0"] * 6, ["2", "4", "4", "2", "2", "2"]]
    assert [each.text for each in page.main.classed("figure")] == ["2件", "2", "3", "0"]


@pytest.mark.parametrize(
    ("sort", "first"), [("offline", "西販売"), ("offline&direction=asc", "東販売"), ("x", "東販売")]
)
def test_the_list_is_sorted_by_any_figure_with_the_most_first(staff, sort, first):
    assert Page(staff.get(f"/staff/overview/?sort={sort}").text).column("テナント名")[0] == first


def test_each_figure_leads_to_as_many_rows_as_it_says(staff, tenants):
    page = Page(staff.get("/staff/overview/").text)
    tenant_id = tenants[1].id

    assert f"/staff/utms/?state=offline&tenant_id={tenant_id}" in page.links
    assert f"/staff/mail/?state=failed&tenant={tenant_id}" in page.links
    for link in page.links:
        if tenant_id in link:
            assert len(Page(staff.get(link).text).rows) == 2
    for to, rows in (("applications", 4), ("utm_applications", 2), ("unpaid", 2)):
        form = page.form_to(f"/tenants/select?to={to}")
        answer = staff.post(form.action, data={**answered(form.sent()), "reason": "調査"})
        assert len(Page(staff.get(answer.location).text).rows) == rows


def test_the_statements_are_as_many_for_many_tenants_as_for_few(staff, make, statements):
    staff.get("/staff/overview/")
    costs = []
    for more in (0, 20):
        for _ in range(more):
            make.mail(tenant_id=make.tenant().id, state="failed")
        statements.clear()
        staff.get("/staff/overview/")
        costs.append(len(statements))

    assert costs[0] == costs[1] <= 10, statements


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_neither_see_it_nor_its_menu_entry(make, signed_in, tenants, role):
    client = signed_in(make.member(tenants[0], role), tenants[0])

    assert client.get("/staff/overview/").status_code == 403
    assert "/staff/overview/" not in Page(client.get("/").text).links
