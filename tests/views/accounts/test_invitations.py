"""ユーザ招待, for NEC's staff."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.accounts.invitation import UserInvitation
from models.accounts.membership import Membership
from models.audit import AuditEntry
from models.mail.outbox import MailMessage
from models.tenants.tenant import Tenant
from models.tokens import hash_token
from tests.support.pages import Page, answered

LIST = "/staff/invitations/"


@pytest.fixture
def tenant(make):
    return make.tenant(name="青空テナント")


@pytest.fixture
def staff(make, signed_in):
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


def invited(staff, tenant, **changes):
    form = Page(staff.get(f"{LIST}add?tenant_id={tenant.id}").text).main_form
    option = next(
        each for each in form.element.one("select", name="role_id").all("option") if each.text == "Partner Viewer"
    )
    values = {"email": "hanako@example.jp", "role_id": option.attributes["value"]} | changes
    return staff.post(f"{LIST}add", data=answered(form.sent(values)))


def mails(make):
    return make.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()


def test_an_invitation_is_mailed_and_listed(make, staff, tenant):
    answer = invited(staff, tenant)

    assert answer.location == LIST
    (row,) = Page(staff.get(LIST).text).rows
    now = clock.utc_now()
    assert (row["メールアドレス"], row["テナント"], row["ロール"], row["ステータス"], row["招待者"]) == (
        "hanako@example.jp",
        f"{tenant.id} 青空テナント",
        "Partner Viewer",
        "登録待ち",
        "staff@example.jp",
    )
    assert row["リンクの有効期限"][:10] == clock.screen_time(now + timedelta(days=7))[:10]
    (mail,) = mails(make)
    assert f"/register/{mail.secret}" in mail.whole_body
    assert staff.get(f"/register/{mail.secret}").status_code == 200
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor, entry.tenant_id, entry.after) == (
        "invitation.invited",
        "staff@example.jp",
        tenant.id,
        {"email": "hanako@example.jp", "role": "Partner Viewer"},
    )


def test_a_user_is_added_at_once_and_an_address_is_invited_once(make, staff, tenant):
    make.user(email="hanako@example.jp")

    added = staff.get(invited(staff, tenant).location)
    member = invited(staff, tenant)
    invited(staff, tenant, email="taro@example.jp")
    again = invited(staff, tenant, email="Taro@example.jp")

    assert "登録済みのユーザのため、テナントに追加しました。" in Page(added.text).root.text
    assert make.session.scalars(select(Membership.tenant_id)).all() == [tenant.id]
    assert [(each.kind, each.recipient) for each in mails(make)] == [
        ("user_added", "hanako@example.jp"),
        ("user_invited", "taro@example.jp"),
    ]
    assert (member.status_code, again.status_code) == (422, 422)
    assert "このテナントに" in Page(member.text).error_of("email")
    assert "招待済みです" in Page(again.text).error_of("email")


def test_roles_of_every_tenant_cannot_be_chosen(staff, make, tenant):
    make.role("窓口係")
    page = Page(staff.get(f"{LIST}add").text)

    roles = [each.text for each in page.main_form.element.one("select", name="role_id").all("option")]

    assert roles[1:] == ["Partner Operator", "Partner Viewer", "窓口係"]
    assert invited(staff, tenant, role_id="999999").status_code == 422


def test_sending_again_and_withdrawing(make, staff, tenant):
    invited(staff, tenant)
    invitation = make.session.scalars(select(UserInvitation)).one()

    again = staff.post(f"{LIST}{invitation.id}/send-again", follow_redirects=True)
    make.session.refresh(invitation)
    first, second = mails(make)

    assert "招待メールを再送しました。" in again.text
    assert invitation.token_hash == hash_token(second.secret)
    assert [staff.get(f"/register/{each.secret}").status_code for each in (first, second)] == [404, 200]
    withdrawn = staff.post(f"{LIST}{invitation.id}/withdraw", follow_redirects=True)
    assert "招待を取り消しました。" in withdrawn.text
    assert Page(withdrawn.text).column("ステータス") == ["取消済み"]
    assert staff.get(f"/register/{second.secret}").status_code == 410
    late = staff.post(f"{LIST}{invitation.id}/send-again", follow_redirects=True)
    assert "使用済みか、取り消されています" in late.text
    assert len(mails(make)) == 2


def test_the_list_is_searched_by_its_state(make, staff, tenant):
    now = clock.utc_now()
    make.user_invitation(tenant=tenant, email="a@example.jp", used_at=now)
    make.user_invitation(tenant=tenant, email="b@example.jp", expires_at=now)
    make.user_invitation(tenant=tenant, email="c@example.jp")
    make.user_invitation(tenant=make.tenant(), email="d@example.jp", withdrawn_at=now)

    found = {
        query: Page(staff.get(f"{LIST}?{query}").text).column("メールアドレス")
        for query in ("state=used", "state=expired", "state=pending", "state=withdrawn", f"tenant_id={tenant.id}")
    }

    assert list(found.values()) == [
        ["a@example.jp"],
        ["b@example.jp"],
        ["c@example.jp"],
        ["d@example.jp"],
        ["c@example.jp", "b@example.jp", "a@example.jp"],
    ]


def test_a_new_tenant_and_the_invitation_of_its_first_user_are_made_together(make, staff):
    def create(**changes):
        form = Page(staff.get("/staff/tenants/add").text).main_form
        return staff.post("/staff/tenants/add", data=answered(form.sent(changes)))

    make.user(email="gone@example.jp", active=False)
    operator = {"invited_role": "Partner Operator"}
    without_role = create(name="北販売", invited_email="hanako@example.jp")
    refused = create(name="北販売", invited_email="gone@example.jp", **operator)
    assert make.session.scalars(select(Tenant)).all() == []
    made = create(name="北販売", invited_email="Hanako@example.jp", **operator)

    assert Page(without_role.text).error_of("invited_role")
    assert refused.status_code == 422
    assert "無効" in Page(refused.text).error_of("invited_email")
    invitation = make.session.scalars(select(UserInvitation)).one()
    assert made.location == f"/staff/tenants/{invitation.tenant_id}"
    assert (invitation.email, invitation.role.name) == ("hanako@example.jp", "Partner Operator")
    assert "ユーザを招待" in Page(staff.get(made.location).text).main.text
    assert create(name="南販売").status_code == 302
    assert len(mails(make)) == 1


def test_partners_do_not_invite(operator):
    assert [operator.get(path).status_code for path in (LIST, f"{LIST}add")] == [403, 403]
