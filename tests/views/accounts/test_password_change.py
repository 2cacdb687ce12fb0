"""§12: users change their own password."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.accounts import password_hash, user_session
from models.accounts.password_link import issue, open_link
from models.accounts.user import User
from models.actor import SYSTEM
from models.audit import AuditEntry
from models.clock import utc_now
from models.mail.outbox import MailMessage
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.pages import Page

NEW = "Aozora-Wakaba-7"


@pytest.fixture
def user(make):
    return make.member(
        make.tenant(), "Partner Viewer", email="one@example.jp", last_name="Tsugumi", password=weak_hash()
    )


@pytest.fixture
def client(user, signed_in, make):
    return signed_in(user, user.memberships[0].tenant)


def change(client, current=PASSWORD, new=NEW, again=None, **options):
    sent = {"current_password": current, "password": new, "confirmation": new if again is None else again}
    return client.post("/password/", data=sent, **options)


def stored(make, user):
    make.session.expire_all()
    return make.session.get(User, user.id)


def actions(make):
    return make.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def test_the_user_menu_leads_to_the_form_and_from_there_to_the_dashboard_with_the_message(app, client, make, user):
    page = Page(client.get("/").text)
    form = client.get("/password/")

    answer = change(client, environ_base={"REMOTE_ADDR": "192.0.2.7"})

    assert page.root.one("a", href="/password/").text == "パスワード変更"
    assert [label in form.text for label in ("現在のパスワード", "新しいパスワード", "新しいパスワード（確認）")] == [
        True
    ] * 3
    assert answer.location == "/"
    assert '成功: "one@example.jp"のパスワード変更に成功しました。' in Page(client.get("/").text).main.text
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.user_id, entry.address) == ("password.changed", user.id, "192.0.2.7")
    assert app.test_client().post("/login/", data={"email": user.email, "password": NEW}).status_code == 302
    assert app.test_client().post("/login/", data={"email": user.email, "password": PASSWORD}).status_code == 401


def test_other_sessions_and_open_links_end_and_this_session_goes_on(client, make, user, signed_in):
    elsewhere = signed_in(user, user.memberships[0].tenant)
    token = issue(make.session, user, now=utc_now(), by=SYSTEM)
    make.session.commit()

    change(client)

    assert elsewhere.get("/").location == "/login/"
    assert client.get("/").status_code == 200
    assert open_link(make.session, token, now=utc_now()) is None


def test_a_user_without_a_chosen_tenant_changes_the_password_too(make, signed_in):
    staff = make.elevated("NEC Staff", password=weak_hash())
    client = signed_in(staff)

    assert client.get("/password/").status_code == 200
    assert "のパスワード変更に成功しました。" in change(client, follow_redirects=True).text
    assert password_hash.matches(stored(make, staff).password, NEW)


def test_wrong_current_passwords_lock_like_those_of_sign_in_and_then_the_right_one_is_refused_too(
    app, client, make, user
):
    app.test_client().post("/login/", data={"email": user.email, "password": "wrong"})
    answers = [change(client, current="wrong") for _ in range(9)]

    locked = change(client)

    assert {answer.status_code for answer in answers} == {422}
    for answer in (answers[0], locked):
        assert Page(answer.text).error_of("current_password") == "現在のパスワードが正しくありません。"
    assert actions(make) == ["sign_in.failed"] * 10 + ["account.locked", "password.change_refused"]
    assert make.session.scalars(select(MailMessage.kind)).all() == ["account_locked"]
    assert not password_hash.matches(stored(make, user).password, NEW)


def test_a_wrong_current_password_of_a_locked_account_is_recorded_like_the_right_one(client, make, user):
    user.locked_until = utc_now() + timedelta(minutes=30)
    make.session.commit()

    assert [change(client, current=each).status_code for each in ("wrong", PASSWORD)] == [422, 422]
    assert actions(make) == ["password.change_refused"] * 2


@pytest.mark.parametrize(
    ("sent", "field", "told"),
    [
        ({"new": "short"}, "password", "12文字以上で入力してください。"),
        ({"new": "Tsugumi-1234!"}, "password", "推測されやすいパスワードです。"),
        ({"new": PASSWORD}, "password", "現在のパスワードとは異なるパスワードを入力してください。"),
        ({"again": "other"}, "confirmation", "確認用のパスワードが一致しません。"),
        ({"current": ""}, "current_password", "現在のパスワードを入力してください。"),
    ],
)
def test_a_fault_is_told_at_its_field_and_counts_as_no_wrong_password(client, make, user, sent, field, told):
    answer = change(client, **sent)

    assert answer.status_code == 422
    assert told in Page(answer.text).error_of(field)
    assert NEW not in answer.text
    assert (actions(make), stored(make, user).fail_login_count) == ([], None)


def test_revoking_all_sessions_but_one_keeps_it(make, user):
    kept, other = make.session_token(user), make.session_token(user)
    user_session.revoke_all(make.session, user.id, but=kept)
    rows = make.session.scalars(select(user_session.UserSession.revoked_at).order_by(user_session.UserSession.id)).all()

    assert kept != other
    assert [row is None for row in rows] == [True, False]
