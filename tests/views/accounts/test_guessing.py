"""§3.1, §12: who guesses passwords or addresses gets a locked account, and learns nothing."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from models import clock
from models.mail.outbox import MailMessage
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash

GUESSES = 50
VARYING = {"Content-Length", "Content-Security-Policy", "Set-Cookie", "X-Request-ID"}
"""Headers that differ between any two answers."""


@pytest.fixture
def member(make):
    return make.member(make.tenant(), "Partner Operator", email="one@example.jp", password=weak_hash())


@pytest.fixture
def unlimited(app, monkeypatch):
    """Let anybody ask as often as they like."""
    monkeypatch.setattr(app.extensions["appbuilder"].sm.limiter, "enabled", False)


@pytest.fixture
def hashed(monkeypatch):
    """What the hash function was called for, as a list that grows."""
    calls = []
    for name in ("hash", "verify"):
        real = getattr(PasswordHasher, name)

        def counting(*words, name=name, real=real, **more):
            calls.append(name)
            return real(*words, **more)

        monkeypatch.setattr(PasswordHasher, name, counting)
    return calls


def post(app, path, **data):
    return app.test_client().post(path, data=data)


def test_fifty_wrong_guesses_at_once_lock_at_the_tenth_and_send_one_mail(app, make, member, unlimited):
    with ThreadPoolExecutor(GUESSES) as pool:
        answers = list(pool.map(lambda _: post(app, "/login/", email=member.email, password="wrong"), range(GUESSES)))

    actions = list(make.session.scalars(text("SELECT action FROM audit_entry ORDER BY id")))
    mails = make.session.scalars(select(MailMessage)).all()
    assert {answer.status_code for answer in answers} == {401}
    assert actions == ["sign_in.failed"] * 10 + ["account.locked"] + ["sign_in.refused"] * 40
    assert [(mail.kind, mail.recipient) for mail in mails] == [("account_locked", member.email)]
    assert post(app, "/login/", email=member.email, password=PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("path", "more", "calls"),
    [("/login/", {"password": "wrong"}, ["verify"]), ("/forgotten-password/", {}, [])],
    ids=["sign-in", "forgotten password"],
)
def test_known_locked_and_unknown_addresses_get_one_answer_for_the_same_work(
    app, make, member, hashed, statements, path, more, calls
):
    until = clock.utc_now() + timedelta(minutes=30)
    locked = make.member(make.tenant(), "Partner Operator", password=weak_hash(), locked_until=until)
    seen = []
    for email in (member.email, locked.email, "two@example.jp"):
        hashed.clear()
        statements.clear()
        answer = post(app, path, email=email, **more)
        page = re.sub(r'(nonce="|name="csrf_token" value=")[^"]*', r"\1", answer.text).replace(email, "")
        headers = {name: value for name, value in answer.headers if name not in VARYING}
        seen.append((answer.status_code, headers, page, list(statements), list(hashed)))

    assert seen[0] == seen[1] == seen[2]
    assert seen[0][-1] == calls
