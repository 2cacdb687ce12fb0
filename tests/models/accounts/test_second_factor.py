"""Codes of authenticator apps and recovery codes: which are accepted, and that each works once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import text

from models import sealed_secret
from models.accounts import recovery_codes, second_step, sign_in_rules, totp
from models.accounts.sign_in_rules import Locking, SecondStep
from models.accounts.totp import Totp
from models.actor import SYSTEM
from models.errors import DomainError
from models.tokens import hash_token
from tests.factories.accounts import TOTP_SECRET
from tests.support.concurrency import outcomes
from views.accounts.second_step import CODE_LENGTH

NOW = datetime(2026, 11, 22, 3, 0, 10, tzinfo=UTC)


def code(seconds: int = 0) -> str:
    return pyotp.TOTP(TOTP_SECRET).at(NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)], ids=str
)
def test_a_code_is_accepted_half_a_minute_early_and_late(seconds, accepted):
    assert (totp.step_of(TOTP_SECRET, code(seconds), now=NOW) is not None) is accepted


@pytest.mark.parametrize(
    ("typed", "accepted"),
    [("{0}", True), ("{1} {2}", True), ("", False), ("{1}", False), ("{0}0", False), ("あいうえおか", False)],
)
def test_a_code_may_be_typed_with_blanks_and_in_full_width(typed, accepted):
    shown = code().translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for digits in (code(), shown):
        written = typed.format(digits, digits[:3], digits[3:])
        assert (totp.step_of(TOTP_SECRET, written, now=NOW) is not None) is accepted


def test_a_code_works_once_and_so_do_earlier_ones_never_again(make, context):
    user = make.user()
    make.totp(user)

    used = [totp.use(make.session, user.id, code(seconds), now=NOW) for seconds in (0, 0, -30, 30)]

    assert used == [True, False, False, True]


@pytest.mark.parametrize("kind", ["app", "recovery code"])
def test_of_many_who_sign_in_with_one_code_at_once_one_gets_in(make, engine, kind, context):
    user = make.user()
    codes = make.totp(user)
    typed = code() if kind == "app" else codes[0]
    step = SecondStep(user.id, sign_in_rules.stamp(user))

    def use(session, _number):
        locking = Locking(100, timedelta(hours=1), "http://localhost")
        if second_step.complete_with_code(session, step, typed, locking=locking, now=NOW, by=SYSTEM) is None:
            session.commit()
            raise DomainError("refused")

    assert outcomes(engine, "*", use) == {"done": 1, "refused": 15}
    assert make.session.scalar(text("SELECT count(*) FROM user_session")) == 1


def test_recovery_codes_work_once_however_typed_and_new_ones_replace_them(make, context):
    user = make.user()
    old = make.totp(user)
    typed = (old[0].upper().replace("-", " "), old[0], old[1], "", "wrong")

    used = [recovery_codes.use(make.session, user.id, each, now=NOW) for each in typed]
    left = recovery_codes.left(make.session, user.id)
    new = recovery_codes.renew(make.session, user.id)

    assert used == [True, False, True, False, False]
    assert (len(set(old)), left, len(set(new) - set(old))) == (10, 8, 10)
    assert not recovery_codes.use(make.session, user.id, old[2], now=NOW)
    assert recovery_codes.use(make.session, user.id, new[2], now=NOW)


def test_recovery_codes_have_140_random_bits_and_older_ones_still_work(make, context):
    user = make.user()
    older = "abcd-efgh-ijkl-mnop-qrst-uvwx"
    row = recovery_codes.RecoveryCode(user_id=user.id, code_hash=hash_token(older.replace("-", "")))
    make.save(row)

    assert recovery_codes.use(make.session, user.id, older.upper(), now=NOW)
    codes = recovery_codes.renew(make.session, user.id)
    assert all(re.fullmatch(r"([a-z2-7]{4}-){6}[a-z2-7]{4}", each) for each in codes)
    assert len({letter for each in codes for letter in each}) > 25
    assert max(map(len, codes)) <= CODE_LENGTH


def test_the_database_has_neither_the_secret_nor_the_codes(make, context):
    user = make.user()
    codes = make.totp(user)

    stored = "".join(map(str, make.session.execute(text("SELECT secret, code_hash FROM totp, recovery_code")).all()))

    assert TOTP_SECRET not in stored
    assert not any(each in stored or each.replace("-", "") in stored for each in codes)


def test_a_secret_is_readable_only_for_its_user_and_with_the_key(make, context, monkeypatch):
    user, other = make.user(), make.user()
    make.totp(user)
    sealed = make.session.get_one(Totp, user.id).secret

    assert sealed_secret.unseal(sealed, totp.purpose(user.id)) == TOTP_SECRET
    assert sealed_secret.unseal(sealed, totp.purpose(other.id)) is None
    assert sealed_secret.unseal(b"", totp.purpose(user.id)) is None
    monkeypatch.setitem(sealed_secret._settings, "keys", [b"another"])
    assert sealed_secret.unseal(sealed, totp.purpose(user.id)) is None
