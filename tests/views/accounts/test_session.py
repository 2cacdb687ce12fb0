"""§3.1, §6.1: what a session is, what ends it, and the headers around every answer."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import text

from models.accounts import password_rules, user_rules
from models.accounts.user import User
from models.actor import SYSTEM
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash


@pytest.fixture
def member(make):
    return make.member(make.tenant(), "Partner Operator", email="one@example.jp", password=weak_hash())


def sign_in(client):
    return client.post("/login/", data={"email": "one@example.jp", "password": PASSWORD})


def test_a_session_begins_empty(app, make, member):
    client = app.test_client()
    with client.session_transaction() as session:
        session["new_token"] = [1, "somebody else's"]
        session["tenant_id"] = "T9999999"

    sign_in(client)

    with client.session_transaction() as session:
        assert "new_token" not in session
        assert session["tenant_id"] == "T8000000"


def test_the_cookie_is_sent_only_when_it_changes(app, make, member):
    """A slow response to an earlier request would put back the tenant from before a switch."""
    client = app.test_client()
    signing_in = sign_in(client)

    # The first page adds the token against CSRF.
    client.get("/customers/")

    page = client.get("/customers/")

    assert any(each.startswith("portal_session=") for each in signing_in.headers.getlist("Set-Cookie"))
    assert (page.status_code, page.headers.getlist("Set-Cookie")) == (200, [])


def test_a_password_change_ends_every_session_begun_before_it(app, make, member):
    clients = [app.test_client(), app.test_client()]
    for client in clients:
        sign_in(client)
    assert [client.get("/").status_code for client in clients] == [200, 200]

    password_rules.set_password(make.session, make.session.get(User, member.id), "Tsugumi-2026!", by=SYSTEM)
    make.session.commit()

    assert [client.get("/customers/").location for client in clients] == ["/login/?next=/customers/"] * 2


def test_a_user_switched_off_is_out_at_the_next_request(app, make, member):
    client = app.test_client()
    sign_in(client)
    make.session.execute(text("UPDATE ab_user SET active = false"))
    make.session.commit()

    assert client.get("/").location.startswith("/login/")


def test_a_user_who_is_no_more_is_out_at_the_next_request(app, make, member):
    client = app.test_client()
    sign_in(client)
    make.session.execute(text("DELETE FROM membership"))
    make.session.execute(text("DELETE FROM ab_user"))
    make.session.commit()

    assert client.get("/").location.startswith("/login/")


def test_signing_out_is_a_post_and_ends_the_session(app, make, member):
    client = app.test_client()
    sign_in(client)

    by_get = client.get("/logout/")
    still = client.get("/").status_code
    by_post = client.post("/logout/", follow_redirects=True)

    assert (by_get.status_code, still) == (405, 200)
    assert "ログアウトしました。" in by_post.text
    assert client.get("/").location == "/login/"
    with client.session_transaction() as session:
        assert "tenant_id" not in session
        assert "_user_id" not in session
    actions = list(make.session.scalars(text("SELECT action FROM audit_entry ORDER BY id")))
    assert actions == ["sign_in.succeeded", "sign_out"]


def cookie_of(client) -> str:
    return client.get_cookie("portal_session").value


def test_signing_out_ends_every_copy_of_the_cookie(app, member):
    client, copy, elsewhere = (app.test_client() for _ in range(3))
    sign_in(client)
    sign_in(elsewhere)
    copy.set_cookie("portal_session", cookie_of(client))
    before = copy.get("/").status_code

    client.post("/logout/")

    assert before == 200
    assert copy.get("/").location == "/login/"
    assert elsewhere.get("/").status_code == 200


def test_no_session_of_a_user_who_was_switched_off_comes_back_with_them(app, make, member):
    client = app.test_client()
    sign_in(client)
    user = make.session.get(User, member.id)
    for active in (False, True):
        values = {name: getattr(user, name) for name in ("last_name", "first_name", "email")} | {"active": active}
        user_rules.change_user(make.session, user, values, [], version=user.version, by=SYSTEM)
        make.session.commit()

    assert client.get("/").location == "/login/"
    assert sign_in(client).status_code == 302


def test_the_cookie_has_a_token_of_which_the_database_has_a_hash(app, make, member):
    client = app.test_client()
    sign_in(client)

    with client.session_transaction() as session:
        token = session["_user_id"]
    (row,) = make.session.execute(text("SELECT user_id, token_hash FROM user_session"))
    assert tuple(row) == (member.id, hashlib.sha256(token.encode()).hexdigest())
    assert len(token) == 47


def test_who_a_request_is_from_is_one_statement(app, member, statements):
    client = app.test_client()
    sign_in(client)
    statements.clear()

    client.get("/nowhere")

    assert len(statements) == 1
    assert "FROM user_session" in statements[0]


def test_the_use_of_a_session_is_noted_every_five_minutes(app, make, member):
    start = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    client, noted = app.test_client(), []
    for seconds in (0, 299, 300, 599, 600):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            if seconds == 0:
                sign_in(client)
            client.get("/")
        (at,) = make.session.scalars(text("SELECT last_seen_at FROM user_session"))
        noted.append((at - start).total_seconds())
        make.session.rollback()

    assert noted == [0, 0, 300, 300, 600]


def test_signing_out_needs_its_token(app, member, monkeypatch):
    client = app.test_client()
    sign_in(client)
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    assert client.post("/logout/").status_code == 400
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "said",
    ["", "1", "1.0", "ses_", "ses_" + "x" * 43, "None"],
)
def test_a_session_that_names_no_user_in_force_is_nobodys(app, member, said):
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = said
        session["tenant_id"] = "T8000000"

    assert client.get("/").location == "/login/"


def test_a_cookie_signed_with_another_key_is_nobodys(app, make, member):
    other = type("Other", (), {"secret_key": "x" * 48, "config": app.config})
    serializer = SecureCookieSessionInterface().get_signing_serializer(other)
    client = app.test_client()
    session = {"_user_id": make.session_token(member), "_fresh": True, "tenant_id": "T8000000"}
    client.set_cookie("portal_session", serializer.dumps(session))

    assert client.get("/").location == "/login/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app, member):
    cookie = sign_in(app.test_client()).headers["Set-Cookie"]

    assert cookie.startswith("portal_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_where_the_portal_is_served_by_https_the_cookie_is_secure_and_so_is_the_next_visit(app, member, monkeypatch):
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)

    answer = app.test_client().post(
        "/login/", data={"email": "one@example.jp", "password": PASSWORD}, base_url="https://localhost"
    )

    assert "Secure" in answer.headers["Set-Cookie"]
    # Otherwise browsers refuse the prefix of its name in production.
    assert "Path=/;" in answer.headers["Set-Cookie"] + ";"
    assert "Domain" not in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/customers/A99999999", 404),
        ("PUT", "/customers/", 405),
        ("GET", "/customers/?name=" + "x" * 9_000, 414),
        ("GET", "/customers", 308),
        ("GET", "/tenants/", 200),
        ("POST", "/tenants/select", 404),
        ("POST", "/api/device/v1/heartbeat", 401),
        ("GET", "/api/device/v1/openapi.json", 200),
        ("GET", "/healthz", 200),
    ],
)
def test_every_answer_forbids_framing_sniffing_and_keeping(app, member, method, path, status):
    client = app.test_client()
    sign_in(client)

    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert len(answer.headers["X-Request-ID"]) >= 8


def test_the_word_that_lets_scripts_run_is_new_on_every_page(app, member):
    client = app.test_client()
    sign_in(client)

    policies = {client.get("/").headers["Content-Security-Policy"] for _ in range(3)}

    assert len(policies) == 3


def test_who_sends_a_form_after_the_session_ended_is_told_and_led_back_to_it(app, member):
    client = app.test_client()
    page = "http://localhost/customers/add"

    door = client.post("/customers/add", data={"name": "青空"}, headers={"Referer": page})
    told = client.get(door.location).text
    answer = client.post(door.location, data={"email": "one@example.jp", "password": PASSWORD})

    assert door.location == "/login/?next=/customers/add"
    assert "送信した内容は保存されていません。" in told
    assert answer.location == "/customers/add"


@pytest.mark.parametrize(
    "referrer", [None, "https://elsewhere.example/customers/add", "//", "http://localhost//x", "http://[::1"]
)
def test_who_comes_from_elsewhere_is_led_nowhere(app, member, referrer):
    headers = {"Referer": referrer} if referrer else {}

    assert app.test_client().post("/customers/add", headers=headers).location == "/login/"


def test_no_form_takes_a_file(app, member):
    def sent(name):
        return {name: (io.BytesIO(b"x"), "x.txt")}

    client = app.test_client()
    outside = [
        client.post("/login/", data={"email": "one@example.jp"} | sent(name)).status_code for name in ("password", "x")
    ]
    sign_in(client)
    inside = [client.post(path, data=sent("name")).status_code for path in ("/customers/add", "/users/add", "/nowhere")]

    assert outside + inside == [400] * 5


def test_who_must_sign_in_on_the_way_to_a_long_search_comes_to_the_door(app, member):
    search = "/customers/A00000001/alerts/?url=" + "あ" * 255 + "&threat=" + "あ" * 255

    assert app.test_client().get(search).location == "/login/"


@pytest.mark.parametrize(
    ("path", "told"),
    [("/customers/?name=" + "x" * 9_000, "アドレスが長すぎます。"), ("/logout/", "受け付けていません。")],
)
def test_a_mistake_is_told_inside_with_what_can_be_done_about_it(app, member, path, told):
    client = app.test_client()
    sign_in(client)

    page = client.get(path).text

    assert told in page
    assert "記録しました" not in page
    assert 'action="/logout/"' in page
