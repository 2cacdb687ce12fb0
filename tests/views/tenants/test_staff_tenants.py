"""テナント, for NEC's staff: create, rename, and reach what is set up for each."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.actor import Actor
from models.audit import AuditEntry
from models.tenants import tenant_rules
from models.tenants.settings import TenantSettings
from models.tenants.tenant import Tenant
from tests.support.concurrency import outcomes
from tests.support.pages import Page, answered

TAKEN = "同じ名前のテナントがあります。"


@pytest.fixture
def staff(make, signed_in):
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


def sent(client, path, **changes):
    return answered(Page(client.get(path).text).main_form.sent(changes))


def test_a_tenant_is_created_with_its_first_settings(staff, make):
    form = sent(staff, "/staff/tenants/add", name=" 北販売 ", shortage_grace_days="7", utm_applications=None)

    answer = staff.post("/staff/tenants/add", data=form)

    tenant = make.session.scalars(select(Tenant)).one()
    assert answer.location == f"/staff/tenants/{tenant.id}"
    assert tenant.name == "北販売"
    settings = make.session.get(TenantSettings, tenant.id)
    assert (settings.shortage_grace_days, settings.utm_applications) == (7, False)
    entries = make.session.execute(
        select(AuditEntry.action, AuditEntry.actor, AuditEntry.tenant_id).order_by(AuditEntry.id)
    ).all()
    assert entries == [
        ("tenant.created", "staff@example.jp", tenant.id),
        ("tenant_settings.changed", "staff@example.jp", tenant.id),
    ]
    assert Page(staff.get("/staff/tenants/").text).column("テナントID") == [tenant.id]


def test_of_many_who_create_the_same_tenant_at_once_one_does(make, engine):
    by = Actor(name="staff@example.jp")

    found = outcomes(
        engine, "*", lambda session, number: tenant_rules.create(session, "abcａｂｃ"[number % 2 * 3 :][:3], {}, by=by)
    )

    assert found == {"done": 1, tenant_rules.TAKEN: 15}
    assert len(make.session.scalars(select(Tenant)).all()) == 1


def test_a_form_that_is_sent_twice_creates_one(staff, make):
    form = sent(staff, "/staff/tenants/add", name="北販売")

    answers = [staff.post("/staff/tenants/add", data=form) for _ in range(2)]

    assert answers[0].location == answers[1].location
    assert len(make.session.scalars(select(Tenant)).all()) == 1


def test_a_tenant_is_renamed_unless_another_has_the_name(staff, make):
    tenant, other = make.tenant(name="東販売"), make.tenant(name="西販売")
    path = f"/staff/tenants/{tenant.id}/edit"

    refused = staff.post(path, data=sent(staff, path, name=other.name))
    changed = staff.post(path, data=sent(staff, path, name="東部販売"))

    assert refused.status_code == 422
    assert TAKEN in Page(refused.text).error_of("name")
    assert changed.status_code == 302
    make.session.expire_all()
    assert make.session.get(Tenant, tenant.id).name == "東部販売"
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.tenant_id, entry.before, entry.after) == (
        "tenant.renamed",
        tenant.id,
        {"name": "東販売"},
        {"name": "東部販売"},
    )


def test_of_two_who_rename_it_at_the_same_time_the_second_is_told(staff, make):
    tenant = make.tenant(name="東販売")
    path = f"/staff/tenants/{tenant.id}/edit"
    forms = [sent(staff, path, name=name) for name in ("一", "二")]

    answers = [staff.post(path, data=form) for form in forms]

    assert [each.status_code for each in answers] == [302, 409]
    assert Page(answers[1].text).differences == [("テナント名", "一", "二")]


@pytest.mark.parametrize(
    ("to", "leads_to"),
    [
        ("settings", "/tenant-settings/"),
        ("logo", "/tenant-settings/logo/"),
        ("questions", "/application-fields/"),
        ("exemptions", "/reconciliation/"),
    ],
)
def test_its_page_leads_to_where_it_is_set_up(staff, make, to, leads_to):
    make.tenant()
    tenant = make.tenant(name="西販売")
    form = Page(staff.get(f"/staff/tenants/{tenant.id}").text).form_to(f"/tenants/select?to={to}")

    answer = staff.post(form.action, data={**answered(form.sent()), "reason": "調査"})

    assert answer.location == leads_to
    assert "西販売" in Page(staff.get(answer.location).text).root.one("header").text


def test_the_list_counts_customers_and_utms_with_as_many_statements_for_many_tenants(staff, make, statements):
    utm = make.utm()
    make.customer(tenant_id=utm.tenant_id)
    page = Page(staff.get("/staff/tenants/").text)
    costs = []
    for more in (1, 20):
        for _ in range(more):
            make.customer()
        statements.clear()
        staff.get("/staff/tenants/")
        costs.append(len(statements))

    assert (page.column("顧客数"), page.column("UTM数")) == (["2"], ["1"])
    assert costs[0] == costs[1], statements


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_have_no_access(make, signed_in, role):
    tenant = make.tenant()
    client = signed_in(make.member(tenant, role), tenant)

    for path in ("", "add", tenant.id, f"{tenant.id}/edit"):
        assert client.get(f"/staff/tenants/{path}").status_code == 403


@pytest.mark.parametrize("typed", ["高崎販売", "髙 崎", "ﾊﾝﾊﾞｲ"])
def test_a_tenant_is_found_by_any_variant_of_its_name(staff, make, typed):
    make.tenant(name="高﨑販売ハンバイ")
    make.tenant(name="青空")

    found = Page(staff.get("/staff/tenants/", query_string={"name": typed}).text)

    assert found.column("テナント名") == ["高﨑販売ハンバイ"]
