from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import user
from models.actor import SYSTEM
from models.user import Role, User
from tests.fixtures import weak_hash

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fail(session, who, *, now=NOW):
    return user.count_failure(session, who, now=now, limit=10, lock_for=HOUR, by=SYSTEM)


def test_the_tenth_wrong_password_in_a_row_locks_for_an_hour(make):
    who = make.user()

    locked = [fail(make.session, who) for _ in range(10)]
    make.session.commit()
    make.session.refresh(who)

    assert locked == [False] * 9 + [True]
    assert user.is_locked(who, now=NOW + HOUR - timedelta(seconds=1))
    assert not user.is_locked(who, now=NOW + HOUR)


def test_wrong_passwords_during_a_lock_neither_count_nor_prolong_it(make):
    who = make.user()
    for _ in range(10):
        fail(make.session, who)

    during = [fail(make.session, who, now=NOW + timedelta(minutes=30)) for _ in range(20)]
    make.session.commit()
    make.session.refresh(who)

    assert during == [False] * 20
    assert who.locked_until == NOW + HOUR


def test_after_a_lock_it_takes_ten_again(make):
    who = make.user()
    for _ in range(10):
        fail(make.session, who)

    after = [fail(make.session, who, now=NOW + HOUR) for _ in range(10)]

    assert after == [False] * 9 + [True]


def test_a_right_password_starts_the_count_again(make):
    who = make.user()
    for _ in range(9):
        fail(make.session, who)
    user.note_sign_in(make.session, who, now=NOW, by=SYSTEM)

    assert [fail(make.session, who) for _ in range(9)] == [False] * 9


def test_guesses_made_side_by_side_are_all_counted(make, engine):
    who = make.user()

    def guess(_number):
        with Session(engine) as session:
            locked = fail(session, who)
            session.commit()
            return locked

    with ThreadPoolExecutor(8) as pool:
        locked = list(pool.map(guess, range(24)))

    assert locked.count(True) == 1
    assert make.session.scalar(text("SELECT count(*) FROM audit_entry WHERE action = 'account.locked'")) == 1
    assert make.session.scalar(text("SELECT count(*) FROM audit_entry WHERE action = 'sign_in.failed'")) == 10


@pytest.mark.parametrize("typed", ["hanako@example.jp", " HANAKO@Example.JP ", "ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ"])
def test_an_address_is_found_however_it_is_typed(make, typed):
    who = make.user(email="hanako@example.jp")

    assert user.find_by_email(make.session, typed).id == who.id


def test_one_address_is_one_user(make):
    make.user(email="hanako@example.jp")

    with pytest.raises(IntegrityError):
        make.user(email="Hanako@example.jp")


def test_a_new_password_ends_the_sessions_of_the_old_one(make):
    who = make.user()
    before = who.get_id()

    user.set_password(make.session, who, "a new password", by=SYSTEM)
    make.session.commit()
    make.session.refresh(who)

    assert (before, who.get_id()) == (f"{who.id}.0", f"{who.id}.1")
    assert user.password_matches(who, "a new password")
    assert not user.password_matches(who, "an old password")


def test_a_hash_with_few_rounds_is_made_again(make):
    assert user.needs_rehash(make.user(password=weak_hash()))
    assert not user.needs_rehash(make.user(password=user.hash_password("x")))


def test_nobody_matches_no_password(make):
    assert not user.password_matches(None, "anything")
    assert not user.password_matches(make.user(password=None), "")


def test_fabs_own_class_carries_the_portals_columns(make):
    who = make.elevated("NEC Staff")
    role = make.session.scalars(select(Role).where(Role.name == "NEC Staff")).one()

    assert role.user[0] is make.session.get(User, who.id)
    assert role.user[0].session_epoch == 0
