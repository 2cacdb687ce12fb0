"""Users: what an administrator sees and may do there."""

from __future__ import annotations

import re

import pytest
from flask_wtf import FlaskForm
from sqlalchemy import select, text
from wtforms import PasswordField

from models.accounts.membership import Membership
from models.accounts.user import User
from models.mail.outbox import MailMessage
from tests.support.pages import Page, answered

GOOD = "Tsugumi-2026!"


@pytest.fixture
def admin(make, signed_in):
    """The client of an administrator who has chosen no tenant."""
    user = make.elevated("NEC Admin", email="admin@example.jp", last_name="管理")
    client = signed_in(user)
    client.user = user
    return client


def edit(client, user, **changed):
    url = f"/users/edit/{user.id}"
    return client.post(url, data=answered(Page(client.get(url).text).main_form.sent(changed)))


def fresh(make, user):
    make.session.expire_all()
    return make.session.get(User, user.id)


def test_a_user_made_without_a_password_is_mailed_a_link_which_the_administrator_does_not_see(make, admin, app):
    sent = {"last_name": "新", "first_name": "人", "email": "New@Example.jp", "active": "y"}

    answer = admin.post("/users/add", data=sent)
    made = make.session.scalars(select(User).where(User.email == "new@example.jp")).one()
    mail = make.session.scalars(select(MailMessage)).one()
    link = re.search(r"/setup/\S+", mail.whole_body)[0]

    assert (made.username, made.password, made.active) == ("new@example.jp", None, True)
    assert answer.location == f"/users/show/{made.id}"
    assert (mail.kind, mail.recipient) == ("password_set_up", "new@example.jp")
    assert app.test_client().get(link).status_code == 200
    assert "/setup/" not in admin.get(answer.location).text + mail.body.replace("/setup/\ue000", "")


def test_a_deactivated_user_is_mailed_no_link(make, admin):
    admin.post("/users/add", data={"last_name": "新", "first_name": "人", "email": "new@example.jp"})
    off = make.user(active=False)

    assert "パスワード設定リンクを送信" not in admin.get(f"/users/show/{off.id}").text
    refused = admin.post(f"/users/link/{off.id}", follow_redirects=True)
    assert "このユーザは利用停止中のため、リンクを使用できません。" in refused.text
    assert make.session.scalars(select(MailMessage)).all() == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"email": "no address"}, "メールアドレスの形式が正しくありません。"),
        ({"email": "ADMIN@example.jp"}, "このメールアドレスのユーザはすでに登録されています。"),
        ({"roles": "Partner Operator"}, "選択肢から選択してください。"),
    ],
)
def test_a_fault_is_told_beside_its_field(make, admin, changed, told):
    sent = {"last_name": "新", "first_name": "人", "email": "new@example.jp", "active": "y"} | changed

    answer = admin.post("/users/add", data=sent)

    name = next(iter(changed))
    assert answer.status_code == 422
    told_there = re.search(rf'id="{name}-error">(.*?)</div>\s*</div>', answer.text, re.DOTALL)
    assert told_there, answer.text
    assert told in told_there[1]
    assert make.session.scalars(select(User)).one().email == "admin@example.jp"


def test_a_user_of_the_longest_address_is_made_listed_and_signs_in(make, admin, app):
    longest = "a" * 64 + "@" + ".".join(["b" * 63, "c" * 63, "d" * 58]) + ".jp"
    sent = {"last_name": "新", "first_name": "人", "active": "y"}

    answer = admin.post("/users/add", data=sent | {"email": longest})
    link = re.search(r"/setup/\S+", make.session.scalars(select(MailMessage)).one().whole_body)[0]
    app.test_client().post(link, data={"password": GOOD, "confirmation": GOOD})

    assert len(longest) == 254
    assert answer.status_code == 302
    assert "a<wbr>@b" in admin.get("/users/list/").text
    assert app.test_client().post("/login/", data={"email": longest, "password": GOOD}).status_code == 302


def test_switching_off_ends_a_session_at_the_next_request(make, admin, signed_in):
    tenant = make.tenant()
    user = make.member(tenant, "Partner Viewer")
    theirs = signed_in(user, tenant)
    assert theirs.get("/").status_code == 200

    answer = edit(admin, user, active=None)

    assert answer.location == f"/users/show/{user.id}"
    assert theirs.get("/").location == "/login/"


def test_an_administrator_cannot_give_up_their_own_role_or_account(make, admin):
    make.elevated("NEC Admin")

    role_given_up = edit(admin, admin.user, roles=None)
    switched_off = edit(admin, admin.user, active=None)
    deleted = admin.post(f"/users/delete/{admin.user.id}", follow_redirects=True)

    refused = "自分のアカウントの削除と利用停止、自分のNEC Adminロールの解除はできません。"
    assert (role_given_up.status_code, switched_off.status_code) == (422, 422)
    assert all(refused in answer.text for answer in (role_given_up, switched_off, deleted))
    assert fresh(make, admin.user).active


def test_a_role_taken_away_is_gone_at_the_next_request(make, admin, signed_in):
    tenant = make.tenant()
    other = make.elevated("NEC Admin")
    theirs = signed_in(other, tenant)
    assert theirs.get("/users/list/").status_code == 200

    edit(admin, other, roles="NEC Staff")

    assert theirs.get("/users/list/").status_code == 403


def test_an_administrator_sets_nobodys_password(make, admin):
    user = make.user(password="unchanged")
    passwords = {"password": GOOD, "confirmation": GOOD}
    names = {"last_name": "新", "first_name": "人", "active": "y"}

    admin.post("/users/add", data=names | passwords | {"email": "new@example.jp"})
    edit(admin, user, last_name="新", **passwords)

    assert admin.post(f"/users/password/{user.id}", data=passwords).status_code == 404
    assert make.session.scalars(select(User.password).where(User.email == "new@example.jp")).one() is None
    assert fresh(make, user).password == "unchanged"
    for page in (f"/users/show/{user.id}", f"/users/edit/{user.id}", "/users/add"):
        assert 'type="password"' not in admin.get(page).text


def test_no_form_but_those_of_ones_own_password_has_one():
    def below(form):
        return {form}.union(*map(below, form.__subclasses__()))

    forms = {
        each.__name__
        for each in below(FlaskForm)
        # Flask-AppBuilder's own forms have no route.
        if each.__module__.startswith("views.")
        and any(getattr(getattr(each, name), "field_class", None) is PasswordField for name in dir(each))
    }

    assert forms == {
        "SignInForm",
        "CurrentPasswordForm",
        "CodeForm",  # of the second factor
        "NewPasskeyForm",
        "ConnectionForm",  # the secret of an OpenID provider
        "NewPasswordForm",  # by a mailed link
        "PasswordChangeForm",
        "FirstPasswordForm",  # by the link of an invitation
        "RegistrationForm",
    }


def test_a_link_is_mailed_to_a_user_who_forgot(make, admin):
    user = make.user(password="forgotten")

    page = admin.post(f"/users/link/{user.id}", follow_redirects=True).text

    (mail,) = make.session.scalars(select(MailMessage))
    assert (mail.kind, mail.recipient) == ("password_set_up", user.email)
    assert "パスワード設定リンクをユーザにメールで送信しました。" in page
    assert "/setup/" not in page
    assert fresh(make, user).password == "forgotten"


def test_whoever_is_put_into_a_tenant_is_told_by_mail(app, make, admin):
    tenant, user = make.tenant(name="ひばり商事"), make.user(email="hanako@example.jp")

    for _ in range(2):  # the second time is refused
        admin.post(f"/users/join/{user.id}", data={"tenant": tenant.id, "role": "Partner Viewer"})

    (told,) = make.session.scalars(select(MailMessage))
    assert (told.kind, told.recipient, told.tenant_id) == ("user_added", "hanako@example.jp", tenant.id)
    assert told.subject == "【見守りサービス】テナント追加のお知らせ"
    for line in (f"テナントID: {tenant.id}", "テナント名: ひばり商事", app.config["PORTAL_URL"], "support@example.jp"):
        assert line in told.body


def test_a_place_in_a_tenant_is_given_changed_and_taken(make, admin, signed_in):
    tenant, user = make.tenant(name="ひばり商事"), make.user()
    theirs = signed_in(user, tenant)
    at = {"tenant": tenant.id}

    admin.post(f"/users/join/{user.id}", data=at | {"role": "Partner Viewer"})
    assert theirs.get("/customers/add").status_code == 403
    admin.post(f"/users/membership/{user.id}", data=at | {"role": "Partner Operator"})
    again = admin.post(f"/users/membership/{user.id}", data=at | {"role": "Partner Operator"}, follow_redirects=True)
    assert "1つ以上の項目を変更してください。" in again.text
    assert theirs.get("/customers/add").status_code == 200
    admin.post(f"/users/leave/{user.id}", data=at)

    assert make.session.scalar(select(Membership)) is None
    assert theirs.get("/customers/add").location == "/tenants/"
    rows = make.session.execute(
        text("SELECT action, tenant_id, actor FROM audit_entry WHERE action LIKE 'membership.%' ORDER BY id")
    ).all()
    assert [tuple(row) for row in rows] == [
        ("membership.created", tenant.id, "admin@example.jp"),
        ("membership.changed", tenant.id, "admin@example.jp"),
        ("membership.deleted", tenant.id, "admin@example.jp"),
    ]


def test_each_tenant_of_a_user_sees_who_was_deactivated_and_deleted(make, admin, signed_in):
    first, second, other = (make.tenant() for _ in range(3))
    user = make.member(first, "Partner Viewer", email="hanako@example.jp")
    make.join(user, second, "Partner Operator")
    for active in ("", "y"):
        edit(admin, user, active=active)
    admin.post(f"/users/delete/{user.id}")

    logs = {}
    for tenant, role in ((first, "Partner Viewer"), (second, "Partner Operator"), (other, "Partner Viewer")):
        operator = signed_in(make.member(tenant, "Partner Operator"), tenant)
        listed = Page(operator.get("/audit-log/").text).rows
        keys = make.session.scalars(
            text("SELECT id FROM audit_entry WHERE tenant_id = :tenant ORDER BY id DESC"), {"tenant": tenant.id}
        ).all()
        pages = [Page(operator.get(f"/audit-log/{key}").text).rows for key in keys]
        logs[role, tenant.id] = [(row["操作"], changes) for row, changes in zip(listed, pages, strict=True)]

    def item(name, before, after):
        return {"項目": name, "変更前": before, "変更後": after}

    email = item("メールアドレス", user.email, user.email)
    for tenant, role in ((first, "Partner Viewer"), (second, "Partner Operator")):
        assert logs[role, tenant.id] == [
            ("削除", [item("メールアドレス", user.email, "-"), item("ロール", role, "-")]),
            ("使用再開", [item("ログイン可", "いいえ", "はい"), email]),
            ("無効化", [item("ログイン可", "はい", "いいえ"), email]),
        ]
    assert logs["Partner Viewer", other.id] == []


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("join", {"tenant": "T9999999", "role": "Partner Viewer"}, 404),
        ("join", {"role": "NEC Admin"}, 400),
        ("membership", {"role": "NEC Staff"}, 400),
        ("membership", {"tenant": "T9999999", "role": "Partner Viewer"}, 404),
        ("leave", {"tenant": "T9999999"}, 404),
    ],
)
def test_a_place_that_cannot_be_is_refused(make, admin, path, data, status):
    tenant, user = make.tenant(), make.user()

    assert admin.post(f"/users/{path}/{user.id}", data={"tenant": tenant.id} | data).status_code == status


@pytest.mark.parametrize("wish", ["membership", "leave"])
def test_the_second_of_two_is_told_that_a_user_has_left_the_tenant(make, admin, wish):
    tenant, user = make.tenant(), make.user()
    data = {"tenant": tenant.id, "role": "Partner Viewer"}

    page = admin.post(f"/users/{wish}/{user.id}", data=data, follow_redirects=True)

    assert (page.status_code, page.request.path) == (200, f"/users/show/{user.id}")
    assert "このユーザは既にこのテナントに所属していません。" in page.text


def test_an_administrator_works_in_one_tenant_and_changes_places_in_another(make, signed_in):
    here, there, user = make.tenant(), make.tenant(), make.user()
    admin = signed_in(make.elevated("NEC Admin"), here)

    answer = admin.post(f"/users/join/{user.id}", data={"tenant": there.id, "role": "Partner Viewer"})

    assert answer.status_code == 302
    assert make.session.scalars(select(Membership.tenant_id)).one() == there.id


def test_deleting_is_a_post_and_leads_to_the_list(make, admin):
    user = make.user()

    assert admin.get(f"/users/delete/{user.id}").status_code == 405
    answer = admin.post(f"/users/delete/{user.id}")

    assert answer.location == "/users/list/"
    assert make.session.scalars(select(User.last_name)).all() == ["管理"]


def test_neither_self_registration_nor_fabs_other_doors_exist(app):
    # The portal's own is only by invitation.
    rules = {rule.rule for rule in app.url_map.iter_rules()} - {"/register/<string:invitation_token>"}

    assert not {rule for rule in rules if "register" in rule or "resetmypassword" in rule or "userinfo" in rule}
    assert "/api/v1/security/login" not in rules


def test_the_menu_leads_there_without_a_tenant(admin):
    page = admin.get("/tenants/").text

    assert 'href="/users/list/"' in page
    assert 'href="/customers/"' not in page
