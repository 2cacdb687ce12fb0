"""NEC staff state a reason when they enter a tenant, which its people can read."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from models.accounts.user import User
from models.accounts.user_session import UserSession
from models.audit import AuditEntry
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.pages import Page

BANNER = "NECスタッフとしてこのテナントで作業しています。"


@pytest.fixture
def tenant(make):
    return make.tenant(name="あおぞら商事")


@pytest.fixture
def staff(make, signed_in, tenant):
    client = signed_in(make.elevated("NEC Staff", email="staff@nec.example"))
    client.user_email = "staff@nec.example"
    return client


def entries(make) -> list[tuple]:
    make.session.rollback()
    found = make.session.scalars(
        select(AuditEntry).where(AuditEntry.action.startswith("tenant.")).order_by(AuditEntry.id)
    )
    return [(each.action, each.tenant_id, each.actor, each.role, (each.after or {}).get("reason")) for each in found]


def test_staff_are_asked_for_a_reason_and_enter_with_it(make, staff, tenant):
    asked = staff.post("/tenants/select?to=offline", data={"tenant_id": tenant.id})
    form = Page(asked.text).form_to("/tenants/select?to=offline")
    answer = staff.post(form.action, data={**form.sent(), "reason": "問合せ TC0000001 の調査<b>"})

    assert (asked.status_code, form.action) == (200, "/tenants/select?to=offline")
    assert (answer.status_code, answer.location) == (302, "/utms/?state=offline")
    page = staff.get("/").text
    assert BANNER in page
    assert "問合せ TC0000001 の調査&lt;b&gt;" in page
    assert entries(make) == [
        ("tenant.entered", tenant.id, "staff@nec.example", "NEC Staff", "問合せ TC0000001 の調査<b>")
    ]


@pytest.mark.parametrize("reason", ["", " 　", "x" * 256])
def test_without_a_reason_the_tenant_stays_closed(make, staff, tenant, reason):
    answer = staff.post("/tenants/select", data={"tenant_id": tenant.id, "reason": reason})

    assert answer.status_code == 422
    assert staff.get("/customers/").location == "/tenants/"
    assert entries(make) == []


def test_a_customer_is_opened_after_the_reason(make, staff, tenant):
    customer = make.customer(tenant=tenant)

    asked = staff.post("/tenants/open", data={"tenant_id": tenant.id, "customer_id": customer.id})
    form = Page(asked.text).form_to("/tenants/open")
    answer = staff.post(form.action, data={**form.sent(), "reason": "調査"})

    assert answer.location == f"/customers/{customer.id}"


def test_the_tenant_that_one_is_in_is_entered_without_a_question_and_another_with_the_same_reason(make, staff, tenant):
    other = make.tenant()
    staff.post("/tenants/select", data={"tenant_id": tenant.id, "reason": "月次の確認"})

    again = staff.post("/tenants/select", data={"tenant_id": tenant.id})
    elsewhere = staff.post("/tenants/select", data={"tenant_id": other.id})

    assert again.status_code == 302
    assert Page(elsewhere.text).form_to("/tenants/select").sent()["reason"] == "月次の確認"
    assert len(entries(make)) == 1


def test_staff_leave_the_tenant(make, staff, tenant):
    staff.post("/tenants/select", data={"tenant_id": tenant.id, "reason": "調査"})

    answer = staff.post("/tenants/leave")

    assert answer.location == "/tenants/"
    assert BANNER not in staff.get("/tenants/").text
    assert staff.get("/customers/").location == "/tenants/"
    assert [entry[0] for entry in entries(make)] == ["tenant.entered", "tenant.left"]


def test_a_tenant_that_was_chosen_without_an_entry_is_left(staff, tenant):
    with staff.session_transaction() as session:
        session["tenant_id"] = tenant.id

    assert staff.get("/customers/").location == "/tenants/"


def test_staff_who_are_members_are_asked_too(make, signed_in, tenant):
    user = make.elevated("NEC Staff", email="staff@nec.example", password=weak_hash())
    make.join(user, tenant, "Partner Operator")
    client = signed_in(user)

    asked = client.post("/tenants/select", data={"tenant_id": tenant.id})
    client.post("/tenants/select", data={"tenant_id": tenant.id, "reason": "調査"})

    assert Page(asked.text).form_to("/tenants/select").sent()["reason"] == ""
    assert BANNER in client.get("/").text
    assert [entry[-1] for entry in entries(make)] == ["調査"]


def test_staff_who_are_members_are_asked_after_signing_in(make, app, tenant):
    user = make.elevated("NEC Staff", email="staff@nec.example", password=weak_hash())
    make.join(user, tenant, "Partner Operator")
    client = app.test_client()

    client.post("/login/", data={"email": "staff@nec.example", "password": PASSWORD})

    assert client.get("/customers/").location == "/tenants/"


def test_members_are_not_asked(make, signed_in, tenant):
    client = signed_in(make.member(tenant, "Partner Operator"))

    assert client.post("/tenants/select", data={"tenant_id": tenant.id}).location == "/"
    assert BANNER not in client.get("/").text
    assert entries(make) == []


@pytest.mark.parametrize("elsewhere", [False, True], ids=["left", "gone elsewhere"])
def test_a_cookie_from_before_staff_left_leads_to_the_tenant_no_more(make, app, staff, tenant, elsewhere):
    staff.post("/tenants/select", data={"tenant_id": tenant.id, "reason": "調査"})
    assert staff.get("/customers/").status_code == 200
    copied = app.test_client()
    with staff.session_transaction() as before, copied.session_transaction() as session:
        session.update(before)
    assert copied.get("/customers/").status_code == 200
    if elsewhere:
        staff.post("/tenants/select", data={"tenant_id": make.tenant().id, "reason": "別の調査"})
    else:
        staff.post("/tenants/leave")

    assert copied.get("/customers/").location == "/tenants/"


def test_the_people_of_the_tenant_see_when_and_why_staff_entered(make, staff, signed_in, tenant):
    staff.post("/tenants/select", data={"tenant_id": tenant.id, "reason": "問合せの調査"})
    operator = signed_in(make.member(tenant, "Partner Operator"), tenant)

    page = Page(operator.get("/").text)
    log = Page(operator.get("/audit-log/?action=entered").text).rows

    assert [row["理由"] for row in page.rows if "理由" in row] == ["問合せの調査"]
    assert [(row["操作者"], row["操作"]) for row in log] == [("staff@nec.example", "テナントに入室")]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["signing in for it", "signed in meanwhile"])
def test_a_form_sent_too_late_is_restored_in_the_tenant_that_staff_had_entered(make, app, staff, tenant, elsewhere):
    make.session.execute(update(User).where(User.email == "staff@nec.example").values(password=weak_hash()))
    staff.post("/tenants/select", data={"tenant_id": tenant.id, "reason": "調査"})
    sent = Page(staff.get("/customers/add").text).main_form.sent(name="青空商店")
    make.session.execute(update(UserSession).values(revoked_at=func.now()))
    make.session.commit()

    late = staff.post("/customers/add", data=sent)
    signing_in = {"email": "staff@nec.example", "password": PASSWORD}
    if elsewhere:
        staff.post("/login/", data=signing_in)
        led = staff.get(late.location)
    else:
        led = staff.post(late.location, data=signing_in)
    draft = led.location.partition("?")[2]
    asked = Page(staff.get(led.location).text).form_to(f"/tenants/select?to=draft&{draft}")
    assert len(entries(make)) == 1
    assert staff.get("/customers/").location == "/tenants/"
    entered = staff.post(asked.action, data={**asked.sent(), "reason": "続き"})

    assert "青空商店" in staff.get(entered.location).text
    assert BANNER in staff.get("/customers/").text
    assert [entry[-1] for entry in entries(make)] == ["調査", "続き"]
