"""§3.1, §6.1: signing in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text

from models import user
from tests.factories import PASSWORD
from tests.fixtures import weak_hash

WRONG = "メールアドレスまたはパスワードが正しくありません。"


@pytest.fixture
def member(make):
    return make.member(make.tenant(), "Partner Operator", email="one@example.jp", password=weak_hash())


def post(client, email="one@example.jp", password=PASSWORD, **query):
    return client.post("/login/", data={"email": email, "password": password}, query_string=query)


def test_a_member_of_one_tenant_lands_on_the_dashboard(app, member):
    answer = post(app.test_client(), " ONE@example.jp")

    assert (answer.status_code, answer.location) == (302, "/")


def test_a_member_of_several_tenants_chooses_one(app, make, member):
    make.join(member, make.tenant(), "Partner Viewer")

    assert post(app.test_client()).location == "/tenants/"


def test_nec_staff_choose_a_tenant(app, make):
    make.elevated("NEC Staff", email="staff@example.jp", password=weak_hash())

    assert post(app.test_client(), "staff@example.jp").location == "/tenants/"


def test_the_answer_does_not_tell_which_address_exists(app, make, member, monkeypatch):
    make.user(email="off@example.jp", password=weak_hash(), active=False)
    compared = []
    real = user.check_password_hash
    monkeypatch.setattr(user, "check_password_hash", lambda *words: compared.append(1) or real(*words))

    answers = [
        post(app.test_client(), email, password)
        for email, password in (
            ("one@example.jp", "wrong"),
            ("nobody@example.jp", "wrong"),
            ("off@example.jp", PASSWORD),
        )
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert all(WRONG in answer.text for answer in answers)
    assert len(compared) == 3


def test_a_locked_account_refuses_the_right_password_as_a_wrong_one(app, make, member):
    client = app.test_client()
    for _ in range(10):
        post(client, password="wrong")

    during = post(client)

    assert (during.status_code, WRONG in during.text) == (401, True)
    assert make.session.scalar(text("SELECT count(*) FROM audit_entry WHERE action = 'account.locked'")) == 1


def test_the_lock_ends_after_an_hour(app, member):
    start = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        for _ in range(10):
            post(app.test_client(), password="wrong")
    with time_machine.travel(start + timedelta(minutes=59, seconds=59), tick=False):
        before = post(app.test_client()).status_code
    with time_machine.travel(start + timedelta(hours=1), tick=False):
        after = post(app.test_client()).status_code

    assert (before, after) == (401, 302)


def test_a_session_begins_empty(app, member):
    client = app.test_client()
    with client.session_transaction() as session:
        session["new_token"] = [1, "somebody else's"]

    post(client)

    with client.session_transaction() as session:
        assert "new_token" not in session


def test_a_password_change_ends_the_other_sessions(app, make, member):
    client = app.test_client()
    post(client)
    assert client.get("/").status_code == 200

    user.set_password(make.session, make.session.get(user.User, member.id), "another", by=user_actor())
    make.session.commit()

    assert client.get("/").location.startswith("/login/")


def user_actor():
    from models.actor import SYSTEM

    return SYSTEM


def test_a_user_switched_off_is_out_at_the_next_request(app, make, member):
    client = app.test_client()
    post(client)
    make.session.execute(text("UPDATE ab_user SET active = false"))
    make.session.commit()

    assert client.get("/").location.startswith("/login/")


def test_signing_out_is_a_post_and_ends_the_session(app, member):
    client = app.test_client()
    post(client)

    by_get = client.get("/logout/")
    by_post = client.post("/logout/", follow_redirects=True)

    assert by_get.status_code in {404, 405}
    assert "ログアウトしました。" in by_post.text
    assert client.get("/").location == "/login/"
    with client.session_transaction() as session:
        assert "tenant_id" not in session


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/customers/", "/customers/"),
        ("/customers/?name=a", "/customers/?name=a"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("customers", "/"),
    ],
)
def test_next_leads_only_to_ones_own_pages(app, member, wanted, location):
    assert post(app.test_client(), next=wanted).location == location


def test_many_attempts_from_one_address_are_slowed_down(app, member):
    client = app.test_client()
    answers = [post(client, email=f"x{number}@example.jp", password="x") for number in range(31)]

    assert [answer.status_code for answer in answers[:30]] == [401] * 30
    assert answers[30].status_code == 429
    assert "アクセスが集中しています" in answers[30].text


def test_a_weak_hash_is_made_strong_when_its_password_is_seen(app, make, member):
    post(app.test_client())

    stored = make.session.scalar(text("SELECT password FROM ab_user WHERE email = 'one@example.jp'"))
    assert stored.startswith("scrypt:32768:8:1$")


def test_a_post_without_the_token_is_told_so(app, member, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    answer = post(app.test_client())

    assert answer.status_code == 400
    assert "画面の有効期限が切れています。" in answer.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app, member):
    cookie = post(app.test_client()).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_every_page_forbids_framing_sniffing_and_keeping(app, member):
    client = app.test_client()
    post(client)

    headers = client.get("/").headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "script-src 'nonce-" in headers["Content-Security-Policy"]


def test_a_nul_in_the_form_is_a_bad_request(app):
    assert post(app.test_client(), email="a\0b").status_code == 400
