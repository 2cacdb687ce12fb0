"""How many passkeys a user can have, added at the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from models.accounts import second_factor
from models.accounts.identity import SignedIn
from models.accounts.passkey import Passkey, Signed, Site
from models.accounts.second_factor import Confirmation
from models.accounts.sign_in_rules import Locking
from models.actor import SYSTEM
from tests.factories import PASSWORD
from tests.support.concurrency import outcomes
from tests.support.fixtures import weak_hash
from tests.support.soft_passkey import ORIGIN, SoftPasskey

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_a_user_has_ten_passkeys(engine, make):
    user = make.user(password=weak_hash())
    person = SignedIn(user.id, user.email, "", "", active=True, preferences={}, session_token="")
    site, challenge = Site.of(ORIGIN, name="x"), bytes(32)
    options = {"user": {"id": ""}, "challenge": "A" * 43}

    def act(session, number):
        signed = Signed(SoftPasskey().create(options), challenge, site)
        confirmation = Confirmation(PASSWORD, Locking(10, timedelta(hours=1), ORIGIN), NOW, SYSTEM)
        second_factor.add_passkey(session, person, f"{number}", signed, confirmation)

    assert outcomes(engine, "*", act) == {"done": 10, "You have 10 passkeys. Remove one first.": 6}
    make.session.rollback()
    assert make.session.scalar(select(func.count(Passkey.id))) == 10
