"""§3.1: who gets in, and what those who do not are told."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import select, text
from werkzeug.security import generate_password_hash

from models.accounts import password_hash
from models.mail.outbox import MailMessage
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash

WRONG = "メールアドレスまたはパスワードが正しくありません。"


@pytest.fixture
def member(make):
    return make.member(make.tenant(), "Partner Operator", email="one@example.jp", password=weak_hash())


@pytest.fixture
def log(make):
    """What the audit log says was done, in order."""
    return lambda: list(make.session.scalars(text("SELECT action FROM audit_entry ORDER BY id")))


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


def test_nec_staff_choose_a_tenant_though_they_belong_to_one(app, make):
    staff = make.elevated("NEC Admin", email="staff@example.jp", password=weak_hash())
    make.join(staff, make.tenant(), "Partner Viewer")

    assert post(app.test_client(), "staff@example.jp").location == "/tenants/"


def test_who_is_signed_in_is_not_asked_again(app, member):
    client = app.test_client()
    post(client)

    assert client.get("/login/").location == "/"


def test_every_refusal_looks_the_same_and_costs_the_same(app, make, member, monkeypatch):
    soon = datetime.now(UTC) + timedelta(minutes=30)
    make.user(email="off@example.jp", password=weak_hash(), active=False)
    make.user(email="locked@example.jp", password=weak_hash(), locked_until=soon)
    make.user(email="new@example.jp", password="")
    compared = []
    real = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda *words: compared.append(words) or real(*words))
    cases = (
        ("one@example.jp", "wrong"),
        ("none@example.jp", "wrong"),
        ("none@example.jp", PASSWORD),
        ("off@example.jp", PASSWORD),
        ("locked@example.jp", PASSWORD),
        ("locked@example.jp", "wrong"),
        ("new@example.jp", ""),
        ("new@example.jp", PASSWORD),
    )

    answers = [post(app.test_client(), email, password or " ") for email, password in cases]

    assert {answer.status_code for answer in answers} == {401}
    assert all(WRONG in answer.text for answer in answers)
    assert len({without_its_own_words(answer, email) for answer, (email, _) in zip(answers, cases, strict=True)}) == 1
    assert len(compared) == len(cases)


def without_its_own_words(answer, email: str) -> str:
    page = re.sub(r'(nonce="|name="csrf_token" value=")[^"]*', r"\1", answer.text)
    return page.replace(email, "")


def test_the_tenth_wrong_password_locks_and_the_right_one_is_refused_like_a_wrong_one(app, log, member):
    client = app.test_client()
    for _ in range(10):
        post(client, password="wrong")

    during = post(client)

    assert (during.status_code, WRONG in during.text) == (401, True)
    assert log() == ["sign_in.failed"] * 10 + ["account.locked", "sign_in.refused"]


def test_a_lock_is_told_by_mail_once_and_the_next_lock_once_more(app, make, member):
    start = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    for hours in (0, 2):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            for _ in range(12):
                post(app.test_client(), password="wrong")

    written = make.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
    assert [(mail.kind, mail.recipient, mail.tenant_id, mail.created_at) for mail in written] == [
        ("account_locked", member.email, None, start),
        ("account_locked", member.email, None, start + timedelta(hours=2)),
    ]
    assert written[0].subject == "【見守りサービス】アカウントロックアウト通知"
    assert f"{member.email} 様" in written[0].body
    assert f"ポータルのURL: {app.config['PORTAL_URL']}" in written[0].body


def test_nine_wrong_passwords_do_not_lock_and_the_right_one_starts_the_count_again(app, log, member):
    for _ in range(2):
        for _ in range(9):
            post(app.test_client(), password="wrong")
        assert post(app.test_client()).status_code == 302

    assert "account.locked" not in log()


def test_the_lock_ends_after_an_hour_however_much_is_tried_meanwhile(app, log, member):
    start = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        for _ in range(10):
            post(app.test_client(), password="wrong")
    with time_machine.travel(start + timedelta(minutes=59, seconds=59), tick=False):
        post(app.test_client(), password="wrong")
        before = post(app.test_client()).status_code
    with time_machine.travel(start + timedelta(hours=1), tick=False):
        after = post(app.test_client()).status_code

    assert (before, after) == (401, 302)
    assert log().count("account.locked") == 1


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/customers/", "/customers/"),
        ("/customers/?name=a", "/customers/?name=a"),
        ("https://evil.example/", "/"),
        ("https:evil.example", "/"),
        ("//evil.example/", "/"),
        ("///evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a\\..\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("\\\\evil.example", "/"),
        (" //evil.example", "/"),
        ("\u2028//evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("data:text/html,x", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("customers", "/"),
        ("", "/"),
    ],
)
def test_next_leads_only_to_ones_own_pages(app, member, wanted, location):
    assert post(app.test_client(), next=wanted).location == location


def test_the_31st_attempt_of_a_minute_is_told_to_wait(app):
    client = app.test_client()
    answers = [post(client, email=f"x{number}@example.jp", password="x") for number in range(31)]

    last = answers[30]
    assert [answer.status_code for answer in answers[:30]] == [401] * 30
    assert last.status_code == 429
    assert "アクセスが集中しています" in last.text
    assert last.headers["X-Request-ID"] in last.text
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert client.get("/login/").status_code == 200


def test_a_made_up_forwarding_header_gets_nobody_around_the_limit(app):
    for number in range(31):
        answer = app.test_client().post(
            "/login/",
            data={"email": "x@example.jp", "password": "x"},
            headers={"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"},
        )

    assert answer.status_code == 429


@pytest.mark.parametrize("kind", ["scrypt:1024:8:1", "pbkdf2:sha256:1000", "weak Argon2"])
def test_a_hash_of_an_earlier_kind_or_lower_cost_is_replaced_when_its_password_is_seen(app, make, kind):
    old = weak_hash() if kind == "weak Argon2" else generate_password_hash(PASSWORD, method=kind)
    make.member(make.tenant(), "Partner Operator", email="old@example.jp", password=old)
    stored = text("SELECT password FROM ab_user WHERE email = 'old@example.jp'")

    refused = post(app.test_client(), "old@example.jp", "wrong").status_code
    kept = make.session.scalar(stored)
    first, renewed = post(app.test_client(), "old@example.jp").status_code, make.session.scalar(stored)
    again = post(app.test_client(), "old@example.jp").status_code

    assert (refused, first, again) == (401, 302, 302)
    assert (kept, make.session.scalar(stored)) == (old, renewed)
    assert renewed.startswith("$argon2id$v=19$m=16,t=1,p=1$")


def test_a_post_without_the_token_is_told_so_and_signs_nobody_in(app, log, member, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    client = app.test_client()

    answer = post(client)

    assert answer.status_code == 400
    assert "画面の有効期限が切れています。" in answer.text
    assert log() == []


@pytest.mark.parametrize(
    ("email", "password"),
    [("", PASSWORD), ("one@example.jp", ""), ("a" * 255, PASSWORD), ("one@example.jp", "x" * 1_025)],
    ids=["no address", "no password", "long address", "long password"],
)
def test_what_cannot_be_right_is_refused_without_hashing_it(app, member, monkeypatch, email, password):
    compared = []
    monkeypatch.setattr(password_hash, "matches", lambda *words: compared.append(words))

    answer = post(app.test_client(), email, password)

    assert (answer.status_code, compared) == (401, [])


def test_the_password_is_not_on_the_page_that_refuses_it(app, member):
    assert "Fuji-3776-secret" not in post(app.test_client(), password="Fuji-3776-secret").text


def test_a_nul_in_the_form_is_a_bad_request(app):
    assert post(app.test_client(), email="a\0b").status_code == 400
