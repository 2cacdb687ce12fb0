"""§3.1: who signs in, under which address, and when an account is locked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.accounts import user
from models.accounts.user import Role, User
from models.actor import SYSTEM

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


def fail(session, who, *, now=NOW):
    return user.count_failure(session, who, now=now, limit=10, lock_for=HOUR, by=SYSTEM)


def fail_often(session, who, times, *, now=NOW):
    return [fail(session, who, now=now) for _ in range(times)]


@pytest.fixture
def who(make):
    return make.user(email="hanako@example.jp")


@pytest.fixture
def locked(make, who):
    fail_often(make.session, who, 10)
    make.session.commit()
    make.session.refresh(who)
    return who


def test_the_tenth_wrong_password_in_a_row_locks(make, who):
    assert fail_often(make.session, who, 10) == [False] * 9 + [True]


def test_nine_wrong_passwords_do_not_lock(make, who):
    fail_often(make.session, who, 9)
    make.session.refresh(who)

    assert (who.fail_login_count, who.locked_until) == (9, None)
    assert not user.is_locked(who, now=NOW)


def test_a_lock_ends_after_an_hour(locked):
    assert user.is_locked(locked, now=NOW)
    assert user.is_locked(locked, now=NOW + HOUR - MOMENT)
    assert not user.is_locked(locked, now=NOW + HOUR)


def test_wrong_passwords_during_a_lock_neither_count_nor_prolong_it(make, locked):
    during = fail_often(make.session, locked, 20, now=NOW + HOUR - MOMENT)
    make.session.refresh(locked)

    assert during == [False] * 20
    assert (locked.locked_until, locked.fail_login_count) == (NOW + HOUR, 0)


def test_wrong_passwords_during_a_lock_are_recorded_as_refused(make, locked):
    fail_often(make.session, locked, 3)

    assert (audited(make, "sign_in.failed"), audited(make, "sign_in.refused")) == (10, 3)


def test_after_a_lock_it_takes_ten_again(make, locked):
    assert fail_often(make.session, locked, 10, now=NOW + HOUR) == [False] * 9 + [True]


def test_a_right_password_starts_the_count_again(make, who):
    fail_often(make.session, who, 9)
    user.record_sign_in(make.session, who, now=NOW, by=SYSTEM)

    assert fail_often(make.session, who, 9) == [False] * 9


def test_a_right_password_is_noted(make, locked):
    user.record_sign_in(make.session, locked, now=NOW + HOUR, by=SYSTEM)
    make.session.refresh(locked)

    assert (locked.login_count, locked.fail_login_count, locked.locked_until) == (1, 0, None)
    assert locked.last_login == datetime(2026, 11, 22, 4, 0)  # noqa: DTZ001  (FAB's column has no zone: UTC)


def test_wrong_passwords_of_one_user_do_not_count_for_another(make, who):
    fail_often(make.session, who, 9)

    assert not fail(make.session, make.user())


def guess_at_once(engine, who, times):
    """So many wrong passwords that all wait for the last of them before they are counted."""
    together = threading.Barrier(times)

    def guess(_number):
        with Session(engine) as session:
            session.connection()
            together.wait(timeout=30)
            locked = fail(session, who)
            session.commit()
            return locked

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(guess, range(times)))


def audited(make, action):
    return make.session.scalar(text("SELECT count(*) FROM audit_entry WHERE action = :action"), {"action": action})


def test_guesses_made_at_once_are_all_counted(make, engine, who):
    guess_at_once(engine, who, 9)

    make.session.refresh(who)
    assert (who.fail_login_count, who.locked_until) == (9, None)


def test_of_guesses_made_at_once_one_locks(make, engine, who):
    fail_often(make.session, who, 4)
    make.session.commit()

    locked = guess_at_once(engine, who, 12)  # with the four before it, six more than it takes

    assert locked.count(True) == 1
    assert (audited(make, "account.locked"), audited(make, "sign_in.failed")) == (1, 10)


def test_twenty_guesses_side_by_side_lock_once(make, engine, who):
    def guess(_number):
        with Session(engine) as session:
            locked = fail(session, who)
            session.commit()
            return locked

    with ThreadPoolExecutor(10) as pool:
        locked = list(pool.map(guess, range(20)))

    make.session.refresh(who)
    assert locked.count(True) == 1
    assert (who.fail_login_count, who.locked_until) == (0, NOW + HOUR)
    assert audited(make, "sign_in.failed") == 10


@pytest.mark.parametrize(
    "typed",
    [
        "hanako@example.jp",
        " HANAKO@Example.JP ",
        "ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ",
        "Ｈanako@EXAMPLE.jp　",
    ],
)
def test_an_address_is_found_however_it_is_typed(make, who, typed):
    assert user.find_by_email(make.session, typed).id == who.id


def test_an_address_stored_in_capitals_is_found(make):
    who = make.user(email="Taro@Example.JP")

    assert user.find_by_email(make.session, "taro@example.jp").id == who.id


def test_nobody_is_found_by_an_unknown_address(make, who):
    assert user.find_by_email(make.session, "hanako@example.com") is None
    assert user.find_by_email(make.session, "") is None


def test_one_address_is_one_user(make, who):
    with pytest.raises(IntegrityError) as caught:
        make.user(email="Hanako@example.jp")

    assert caught.value.orig.diag.constraint_name == "uq_ab_user_lower_email"


def test_nobody_and_a_user_without_a_password_match_no_password(make, who):
    assert who.password is None
    for password in ("", "anything"):
        assert not user.password_matches(None, password)
        assert not user.password_matches(who, password)


def test_fabs_own_class_carries_the_portals_columns(make):
    who = make.elevated("NEC Staff")
    make.session.expire_all()
    role = make.session.scalars(select(Role).where(Role.name == "NEC Staff")).one()

    assert role.user[0] is make.session.get(User, who.id)
    assert role.user[0].locked_until is None
