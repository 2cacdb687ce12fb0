"""§3.1: what is decided and recorded when somebody signs in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import membership, password_rules, sign_in_rules
from models.accounts.user import User
from models.accounts.user_session import UserSession
from models.actor import Actor
from models.audit import AuditEntry
from models.mail.outbox import MailMessage
from models.row_lock import lock
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.waiting import wait_until_somebody_waits

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LIMITS = {"lock_after": 10, "lock_for": timedelta(hours=1), "portal_url": "https://portal.example.jp"}
SOMEBODY = Actor("anonymous", address="192.0.2.1", request_id="r1")


@pytest.fixture
def who(make):
    return make.user(email="hanako@example.jp", password=weak_hash())


@pytest.fixture
def sign_in(engine):
    """Sign in, in a transaction of one's own: whether it succeeded."""

    def attempt(email="hanako@example.jp", password=PASSWORD, *, now=NOW):
        with Session(engine) as session:
            found = sign_in_rules.sign_in(session, email, password, **LIMITS, now=now, by=SOMEBODY)
            accepted = found is not None
            session.commit()
        return accepted

    return attempt


@pytest.fixture
def audited(make):
    """What the audit log has, in order: action, user, actor, actor's key and network address."""

    def entries():
        rows = make.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.action, row.subject_id, row.actor, row.user_id, row.address) for row in rows]

    return entries


def test_the_right_password_lets_a_user_in_and_is_recorded_under_their_name(who, sign_in, audited):
    assert sign_in(" HANAKO@example.jp")

    assert audited() == [("sign_in.succeeded", str(who.id), "hanako@example.jp", who.id, "192.0.2.1")]


def test_a_wrong_password_is_recorded_under_the_name_of_the_user(who, sign_in, audited):
    assert not sign_in(password="wrong")

    assert audited() == [("sign_in.failed", str(who.id), "hanako@example.jp", who.id, "192.0.2.1")]


def test_an_unknown_address_is_recorded_as_nobodys(sign_in, audited):
    assert not sign_in("none@example.jp")

    assert audited() == [("sign_in.refused", "0", "anonymous", None, "192.0.2.1")]


def test_a_user_who_may_not_sign_in_is_refused_with_the_right_password(make, who, sign_in, audited):
    who.active = False
    make.session.commit()

    assert not sign_in()

    assert audited() == [("sign_in.refused", str(who.id), "hanako@example.jp", who.id, "192.0.2.1")]


def test_a_locked_account_refuses_the_right_password_until_the_lock_ends(make, who, sign_in):
    who.locked_until = NOW
    make.session.commit()

    assert not sign_in(now=NOW - timedelta(microseconds=1))
    assert sign_in(now=NOW)


def test_the_lock_is_told_by_mail_with_the_address_of_the_portal(make, who, sign_in, audited):
    for _ in range(11):
        sign_in(password="wrong")

    assert [action for action, *_ in audited()] == ["sign_in.failed"] * 10 + ["account.locked", "sign_in.refused"]
    (mail,) = make.session.scalars(select(MailMessage))
    assert (mail.kind, mail.recipient, mail.created_at) == ("account_locked", "hanako@example.jp", NOW)
    assert "https://portal.example.jp" in mail.body


def test_a_weak_hash_is_made_anew(make, who, sign_in):
    sign_in()

    make.session.refresh(who)
    assert who.password.startswith("$argon2id$v=19$m=16,t=1,p=1$")


def test_the_only_tenant_is_that_of_a_user_without_a_choice(make):
    tenant = make.tenant()
    alone, several, staff = (make.member(tenant, "Partner Viewer") for _ in range(3))
    make.join(several, make.tenant(), "Partner Viewer")
    staff.roles = make.elevated("NEC Staff").roles[:]
    make.session.commit()

    users = (alone, several, staff, make.user())
    found = [membership.only_tenant(make.session, each.id) for each in users]

    assert found == [tenant.id, None, None, None]


def at_once(attempt, passwords):
    """Sign in with all of these at the same moment: which of them got in."""
    together = threading.Barrier(len(passwords))

    def one(password):
        together.wait(timeout=30)
        return attempt(password=password)

    with ThreadPoolExecutor(len(passwords)) as pool:
        return list(pool.map(one, passwords))


@pytest.mark.parametrize("_round", range(8))
def test_no_right_password_is_taken_after_wrong_ones_sent_with_it_have_locked(make, who, sign_in, audited, _round):
    at_once(sign_in, ["wrong"] * 7 + [PASSWORD] + ["wrong"] * 8)

    actions = [action for action, *_ in audited()]
    make.session.refresh(who)
    if "account.locked" in actions:
        after = actions[actions.index("account.locked") + 1 :]
        assert set(after) <= {"sign_in.refused"}
        assert who.locked_until == NOW + timedelta(hours=1)
    else:
        # The right one came among the first ten, and the count began again.
        assert actions.index("sign_in.succeeded") >= 6
        assert who.fail_login_count == 15 - actions.index("sign_in.succeeded")


def test_a_right_password_that_waits_for_the_one_that_locks_is_refused(make, engine, who, sign_in):
    for _ in range(9):
        sign_in(password="wrong")

    with Session(engine) as session, ThreadPoolExecutor(1) as pool:
        sign_in_rules.sign_in(session, "hanako@example.jp", "wrong", **LIMITS, now=NOW, by=SOMEBODY)
        right = pool.submit(sign_in)
        wait_until_somebody_waits(engine)
        session.commit()

        assert right.result(timeout=10) is False


@pytest.mark.parametrize("email", ["hanako@example.jp", "none@example.jp"])
def test_attempts_at_an_address_wait_for_each_other_whether_or_not_it_is_a_users(engine, who, sign_in, email):
    with Session(engine) as session, ThreadPoolExecutor(1) as pool:
        sign_in_rules.sign_in(session, email, "wrong", **LIMITS, now=NOW, by=SOMEBODY)
        second = pool.submit(sign_in, f" {email.upper()} ", "wrong")
        wait_until_somebody_waits(engine)
        waited = not second.done()
        session.commit()

        assert second.result(timeout=10) is False
    assert waited


def test_no_session_begins_with_a_password_that_is_just_being_replaced(make, engine, who, sign_in):
    with Session(engine) as session, ThreadPoolExecutor(1) as pool:
        user = session.get(User, who.id)
        lock(session, user)
        password_rules.set_password(session, user, "Tsugumi-2026!", by=SOMEBODY)
        session.flush()
        old = pool.submit(sign_in)
        wait_until_somebody_waits(engine)
        session.commit()

        assert old.result(timeout=10) is False
    assert make.session.scalars(select(UserSession.id)).all() == []
