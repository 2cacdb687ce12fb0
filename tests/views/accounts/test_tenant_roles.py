"""The roles of one tenant on the screens of NEC Admin."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.accounts import role
from models.accounts.invitation import UserInvitation
from models.accounts.membership import Membership
from models.accounts.user import Role
from tests.support.pages import Page


@pytest.fixture
def admin(make, signed_in):
    return signed_in(make.elevated("NEC Admin"))


@pytest.fixture
def ours(make):
    return make.tenant(name="青空テナント")


def offered(admin, user) -> list[str]:
    """The roles that can be chosen for a user in their only tenant."""
    fields = Page(admin.get(f"/users/show/{user.id}").text).root.all("select")
    (field,) = [each for each in fields if each.attributes.get("aria-label", "").endswith("でのロール")]
    return [each.text for each in field.all("option")]


def test_a_role_of_one_tenant_is_created_shown_and_listed(make, admin, ours):
    rights = [each.id for each in role.grantable(make.session) if role.right_name(each) == "Alerts can_list"]

    shown = admin.post(
        "/roles/add",
        data={"name": "アラート係", "tenant_id": ours.id, "permissions": rights},
        follow_redirects=True,
    )

    made = make.session.scalars(select(Role).where(Role.name == "アラート係")).one()
    assert made.tenant_id == ours.id
    assert f"{ours.id} 青空テナント" in shown.text
    assert f"{ours.id} 青空テナント" in admin.get("/roles/list/").text
    assert "tenant_id" not in admin.get(f"/roles/edit/{made.id}").text


def test_a_copy_keeps_the_tenant(make, admin, ours):
    own = make.role("アラート係", "Alerts can_list", tenant=ours)

    page = Page(admin.get(f"/roles/add?copy={own.id}").text)

    assert page.main_form.sent()["tenant_id"] == ours.id


def test_a_member_is_offered_the_roles_of_the_tenant_only(make, admin, ours):
    make.role("アラート係", tenant=ours)
    inside, outside = make.member(ours, "Partner Viewer"), make.member(make.tenant(), "Partner Viewer")

    assert offered(admin, inside) == ["Partner Operator", "Partner Viewer", "アラート係"]
    assert offered(admin, outside) == ["Partner Operator", "Partner Viewer"]


def test_a_forged_role_of_another_tenant_is_refused(make, admin, ours):
    make.role("アラート係", tenant=ours)
    other = make.tenant()
    user = make.member(other, "Partner Viewer")

    sent = {"tenant": other.id, "role": "アラート係"}
    page = admin.post(f"/users/membership/{user.id}", data=sent, follow_redirects=True)

    assert "他のテナント専用のロール" in page.text
    held = make.session.scalars(select(Membership).where(Membership.user_id == user.id)).one()
    assert held.role.name == "Partner Viewer"


def test_an_invitation_with_a_role_of_another_tenant_is_refused_at_its_field(make, admin, ours):
    own = make.role("アラート係", tenant=ours)
    other = make.tenant()
    sent = {"email": "hanako@example.jp", "tenant_id": other.id, "role_id": str(own.id)}

    refused = admin.post("/staff/invitations/add", data=sent)
    invited = admin.post("/staff/invitations/add", data=sent | {"tenant_id": ours.id}, follow_redirects=True)

    assert "他のテナント専用のロール" in refused.text
    assert invited.status_code == 200
    assert make.session.scalars(select(UserInvitation.tenant_id)).all() == [ours.id]
