"""How passwords are stored."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

import config
from models.accounts import password_hash
from models.accounts.user import User
from models.db import db
from tests.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("context")


def test_a_password_is_stored_as_a_slow_salted_hash():
    one, other = password_hash.make(PASSWORD), password_hash.make(PASSWORD)

    assert one.startswith("$argon2id$v=19$m=16,t=1,p=1$")
    assert one != other
    assert password_hash.matches(one, PASSWORD)
    assert not password_hash.matches(one, f"{PASSWORD} ")


@pytest.mark.parametrize("stored", [None, "", "scrypt:cut off", "$argon2id$cut off"])
def test_no_password_matches_without_a_whole_hash(stored):
    assert not any(password_hash.matches(stored, password) for password in ("", PASSWORD, "scrypt:cut off"))


@pytest.mark.parametrize(("memory", "passes", "renewed"), [(16, 1, False), (32, 2, False), (8, 2, True)])
def test_only_a_hash_that_costs_less_is_made_again(memory, passes, renewed):
    stored = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1).hash(PASSWORD)

    assert password_hash.needs_rehash(stored) is renewed


def test_hashes_cost_what_owasp_recommends_and_production_takes_no_less():
    production = {
        "PORTAL_ENV": "production",
        "SECRET_KEY": "x" * 32,
        "DATABASE_URL": "postgresql+psycopg://a@b/c",
        "REDIS_URL": "redis://x/0",
        "PORTAL_URL": "https://portal.example.jp",
        "CUSTOMER_PORTAL_URL": "https://customer.example.jp",
    }

    settings = config.load(production)

    assert (settings["PASSWORD_HASH_MEMORY_KIB"], settings["PASSWORD_HASH_PASSES"]) == (19_456, 2)
    for name in ("PASSWORD_HASH_MEMORY_KIB", "PASSWORD_HASH_PASSES"):
        with pytest.raises(config.SettingError):
            config.load(production | {name: str(settings[name] - 1)})


def test_fabs_own_commands_hash_alike_and_its_sign_in_is_shut(app, make):
    manager = app.extensions["appbuilder"].sm
    manager.add_user("one@example.jp", "花子", "見守", "one@example.jp", None, PASSWORD)
    user = db.session.query(User).filter_by(email="one@example.jp").one()
    made = user.password
    manager.reset_password(user.id, "Aozora-Wakaba-7")

    assert password_hash.matches(made, PASSWORD)
    assert password_hash.matches(user.password, "Aozora-Wakaba-7")
    assert manager.auth_user_db("one@example.jp", "Aozora-Wakaba-7") is None
