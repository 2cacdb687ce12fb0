from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.accounts import password_link, password_rules
from models.accounts.identity import read_identity
from models.accounts.password_link import PasswordLink
from models.accounts.user import User, password_matches
from models.actor import Actor
from models.audit import AuditEntry
from models.errors import DomainError
from tests.support.waiting import wait_until_somebody_waits

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PASSWORD = "Aozora-Wakaba-7"
BY = Actor("test")


@pytest.fixture
def user(make):
    return make.user(email="hanako@example.jp")


@pytest.fixture
def token(make, user):
    token = password_link.issue(make.session, user, now=NOW, by=BY)
    make.session.commit()
    return token


def test_only_a_hash_of_the_token_is_kept(make, token):
    link = make.session.scalars(select(PasswordLink)).one()

    assert link.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert link.expires_at == datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    assert len(token) == 43


def test_looking_at_a_link_uses_nothing_up(make, user, token):
    for _ in range(2):
        assert password_link.open_link(make.session, token, now=NOW).user_id == user.id


def test_a_link_is_valid_for_24_hours(make, token):
    last = NOW + timedelta(hours=24) - timedelta(microseconds=1)

    assert password_link.open_link(make.session, token, now=last) is not None
    assert password_link.open_link(make.session, token, now=NOW + timedelta(hours=24)) is None


def test_a_new_link_ends_the_one_before(make, user, token):
    second = password_link.issue(make.session, user, now=NOW + timedelta(hours=1), by=BY)

    assert password_link.open_link(make.session, token, now=NOW + timedelta(hours=1)) is None
    assert password_link.open_link(make.session, second, now=NOW + timedelta(hours=1)) is not None


def test_a_link_that_was_revoked_stays_shut(make, user, token):
    password_link.revoke_all(make.session, user.id)

    assert password_link.open_link(make.session, token, now=NOW) is None
    with pytest.raises(DomainError):
        password_rules.use_link(make.session, token, PASSWORD, now=NOW, by=BY)


def test_revoking_does_not_touch_a_used_link(make, user, token):
    password_rules.use_link(make.session, token, PASSWORD, now=NOW, by=BY)

    assert make.session.scalars(select(PasswordLink.revoked_at)).all() == [None]


def test_a_user_who_is_switched_off_has_no_link(make, user, token):
    user.active = False
    make.session.commit()

    assert password_link.open_link(make.session, token, now=NOW) is None


def test_a_wrong_token_opens_nothing(make, token):
    assert password_link.open_link(make.session, token[:-1], now=NOW) is None
    assert password_link.open_link(make.session, "", now=NOW) is None


def test_using_a_link_sets_the_password_and_ends_sessions_and_a_lock(make, engine, user, token):
    user.locked_until, user.fail_login_count = NOW, 3
    make.session.commit()
    session_token = make.session_token(user)

    used = password_rules.use_link(make.session, token, PASSWORD, now=NOW, by=BY)
    make.session.commit()

    make.session.refresh(user)
    assert used.id == user.id
    assert password_matches(user, PASSWORD)
    assert (user.locked_until, user.fail_login_count) == (None, 0)
    with Session(engine) as session:
        assert read_identity(session, session_token) is None
    assert make.session.scalars(select(PasswordLink)).one().used_at == NOW


def test_issuing_and_using_are_in_the_audit_log(make, user, token):
    password_rules.use_link(make.session, token, PASSWORD, now=NOW, by=BY)
    make.session.commit()

    rows = make.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(row.action, row.subject_type, row.subject_id, row.actor) for row in rows] == [
        ("password_link.issued", "User", str(user.id), "test"),
        ("password.changed", "User", str(user.id), "test"),
    ]


def test_a_link_works_once(make, token):
    password_rules.use_link(make.session, token, PASSWORD, now=NOW, by=BY)

    with pytest.raises(DomainError) as caught:
        password_rules.use_link(make.session, token, "Another-Word-8", now=NOW, by=BY)

    assert caught.value.message == "This link is invalid, has expired or has already been used."
    assert caught.value.field is None


def test_a_password_that_may_not_be_used_leaves_the_link(make, token):
    with pytest.raises(DomainError) as caught:
        password_rules.use_link(make.session, token, "short", now=NOW, by=BY)

    assert caught.value.field == "password"
    assert password_link.open_link(make.session, token, now=NOW) is not None


def test_of_two_who_use_a_link_at_once_one_wins(engine, make, user, token):
    outcome = []

    def second() -> None:
        with Session(engine) as session:
            try:
                password_rules.use_link(session, token, "Second-Comer-9", now=NOW, by=BY)
            except DomainError as error:
                outcome.append(error.message)

    with Session(engine) as first:
        password_rules.use_link(first, token, PASSWORD, now=NOW, by=BY)
        thread = threading.Thread(target=second)
        thread.start()
        wait_until_somebody_waits(engine)
        first.commit()
    thread.join(timeout=10)

    assert outcome == ["This link is invalid, has expired or has already been used."]
    make.session.expire_all()
    assert password_matches(make.session.get(User, user.id), PASSWORD)


@pytest.mark.usefixtures("token")
def test_a_users_links_go_with_the_user(make, user):
    make.session.execute(text("DELETE FROM ab_user WHERE id = :id"), {"id": user.id})

    assert make.session.scalars(select(PasswordLink.id)).all() == []
