"""People who add themselves to a tenant: the form they send refers to their row, in another transaction of the request."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.accounts.membership import Membership
from tests.support.pages import Page, answered


@pytest.fixture
def tenant(make):
    return make.tenant(name="青空テナント")


def tenants_of(make, user) -> list[str]:
    make.session.rollback()
    return list(make.session.scalars(select(Membership.tenant_id).where(Membership.user_id == user.id)))


def test_staff_invite_themselves(make, signed_in, tenant):
    user = make.elevated("NEC Staff", email="staff@nec.example")
    role = make.role("請求のみ", tenant=tenant)
    staff = signed_in(user)
    form = Page(staff.get("/staff/invitations/add").text).main_form
    values = {"email": user.email, "tenant_id": tenant.id, "role_id": role.id}

    answer = staff.post("/staff/invitations/add", data=answered(form.sent(values)))

    assert answer.status_code == 302
    assert tenants_of(make, user) == [tenant.id]


def test_staff_create_a_tenant_with_themselves(make, signed_in):
    user = make.elevated("NEC Staff", email="staff@nec.example")
    staff = signed_in(user)
    form = Page(staff.get("/staff/tenants/add").text).main_form
    values = {"name": "北販売", "invited_email": user.email, "invited_role": "Partner Viewer"}

    answer = staff.post("/staff/tenants/add", data=answered(form.sent(values)))

    assert answer.status_code == 302
    assert len(tenants_of(make, user)) == 1


def test_an_administrator_adds_themselves(make, signed_in, tenant):
    user = make.elevated("NEC Admin", email="admin@nec.example")
    admin = signed_in(user)
    form = Page(admin.get(f"/users/show/{user.id}").text).form_to(f"/users/join/{user.id}")

    answer = admin.post(form.action, data={**form.sent(), "tenant": tenant.id, "role": "Partner Viewer"})

    assert answer.status_code == 302
    assert tenants_of(make, user) == [tenant.id]


def test_somebody_who_is_signed_in_joins_another_tenant_by_its_link(make, signed_in, tenant):
    user = make.member(make.tenant(), "Partner Operator", email="hanako@example.jp")
    make.user_invitation(tenant=tenant, email=user.email, token="inv_link")
    client = signed_in(user)
    page = Page(client.get("/register/inv_link").text)

    answer = client.post("/register/inv_link", data=page.forms[0].sent())

    assert answer.status_code == 200
    assert tenant.id in tenants_of(make, user)


def test_the_link_of_a_user_who_may_not_sign_in_leads_nowhere(make, app, tenant):
    make.user_invitation(tenant=tenant, email="hanako@example.jp", token="inv_link")
    user = make.user(email="hanako@example.jp", active=False)
    visitor = app.test_client()

    opened, sent = visitor.get("/register/inv_link"), visitor.post("/register/inv_link", data={"register": "1"})

    for answer in (opened, sent):
        assert answer.status_code == 410
        assert "このメールアドレスのユーザは無効になっています。" in Page(answer.text).main.text
    assert tenants_of(make, user) == []
