"""The page of one's own sessions, and when sessions end by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, update

from models import clock
from models.accounts.user_session import UserSession
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.pages import Page, answered

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

SECOND_STEP = "パスワードを確認（二要素認証待ち）"


@pytest.fixture
def user(make):
    return make.member(make.tenant(), "Partner Operator", email="one@example.jp", password=weak_hash())


@pytest.fixture
def sign_in(app, user):
    def signed_in(user_agent: str = FIREFOX):
        client = app.test_client()
        client.environ_base["HTTP_USER_AGENT"] = user_agent
        client.post("/login/", data={"email": user.email, "password": PASSWORD})
        return client

    return signed_in


def rows(client, column: str) -> list[dict[str, str]]:
    return [row for row in Page(client.get("/sessions/").text).rows if column in row]


def age(make, **ago: timedelta) -> None:
    make.session.execute(update(UserSession).values({name: clock.utc_now() - time for name, time in ago.items()}))
    make.session.commit()


def test_the_sessions_have_their_browser_and_ip_address(sign_in):
    first, second = sign_in(), sign_in("<script>")

    assert [(row["ブラウザ"], row["IPアドレス"], row["現在"]) for row in rows(first, "ブラウザ")] == [
        ("不明", "127.0.0.1", "-"),
        ("Firefox (Linux)", "127.0.0.1", "このセッション"),
    ]
    assert second.get("/sessions/").status_code == 200


def test_a_session_is_ended_by_its_user_alone(make, app, signed_in, sign_in, user):
    first, second = sign_in(), sign_in()
    stranger = signed_in(make.user())
    form = Page(first.get("/sessions/").text).form_to("/sessions/end")

    stranger.post("/sessions/end", data={"session": form.sent()["session"]})
    assert second.get("/").status_code == 200
    first.post("/sessions/end", data=answered(form.sent()))

    assert second.get("/").status_code == 302
    assert [row["操作"] for row in rows(first, "操作")] == ["セッションを終了", "ログイン", "ログイン"]
    assert [first.post("/sessions/end", data={"session": each}).status_code for each in ("x", "99")] == [404, 302]


def test_all_other_sessions_are_ended_at_once(sign_in):
    first, *others = (sign_in() for _ in range(3))

    first.post("/sessions/end-others")

    assert [each.get("/").status_code for each in (first, *others)] == [200, 302, 302]


def test_the_history_has_failed_sign_ins_of_oneself_alone(app, make, sign_in, user):
    for address in (user.email, make.user(email="two@example.jp").email):
        app.test_client().post("/login/", data={"email": address, "password": "wrong"})

    assert [row["操作"] for row in rows(sign_in(), "操作")] == ["ログイン", "ログイン失敗"]


def test_the_history_has_a_right_password_without_a_code_and_a_sign_in_with_it(app, make, sign_in, user):
    codes = make.totp(user)
    app.test_client().post("/login/", data={"email": user.email, "password": PASSWORD})
    client = sign_in()

    client.post("/second-step/", data={"code": codes[0]})

    assert [row["操作"] for row in rows(client, "操作")] == ["ログイン", SECOND_STEP, SECOND_STEP]


@pytest.mark.parametrize(
    ("ago", "status"),
    [
        ({"last_seen_at": timedelta(minutes=59)}, 200),
        ({"last_seen_at": timedelta(minutes=60)}, 302),
        ({"created_at": timedelta(hours=11, minutes=59)}, 200),
        ({"created_at": timedelta(hours=12)}, 302),
    ],
)
def test_a_session_ends_when_it_is_unused_or_old(make, sign_in, ago, status):
    client = sign_in()
    age(make, **ago)

    assert client.get("/").status_code == status


def test_what_a_page_asks_for_by_itself_is_no_use_of_the_session(make, sign_in):
    client = sign_in()
    age(make, last_seen_at=timedelta(minutes=56))

    asked = client.get("/sessions/remaining", headers={"X-Background": "1"}).json
    extended = client.get("/sessions/remaining").json

    assert asked["extendable"]
    assert 200 < asked["seconds"] <= 240
    assert extended["seconds"] > 3500


def test_an_old_session_cannot_be_extended(make, sign_in):
    client = sign_in()
    age(make, created_at=timedelta(hours=11, minutes=57))

    assert client.get("/sessions/remaining").json["extendable"] is False
    assert 100 < client.get("/sessions/remaining").json["seconds"] <= 180


def test_ended_sessions_are_not_listed(make, sign_in):
    sign_in()
    make.session.execute(update(UserSession).values(revoked_at=func.now()))
    make.session.commit()

    assert len(rows(sign_in(), "ブラウザ")) == 1
