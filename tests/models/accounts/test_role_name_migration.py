"""Roles of one name in different cases are told apart by a migration, before an index forbids them."""

from __future__ import annotations

from importlib import import_module

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import NullPool, create_engine, text


@pytest.fixture
def owner(app, service_env):
    """A connection of the owner whose transaction is rolled back: what it migrates is as it was before."""
    with create_engine(service_env["DATABASE_OWNER_URL"], poolclass=NullPool).connect() as connection:
        yield connection
        connection.rollback()


def test_the_newer_of_roles_that_differ_in_case_alone_get_their_number(owner):
    migration = import_module("migrations.versions.0015_sessions_and_role_names")
    longest = "X" * 64
    with Operations.context(MigrationContext.configure(owner)):
        migration.downgrade()
        add = text("INSERT INTO ab_role (id, name) VALUES (:id, :name)")
        names = {901: "係 a", 902: "係 A", 903: "別の係", 904: longest, 905: longest.lower(), 906: "nec admin"}
        owner.execute(add, [{"id": key, "name": name} for key, name in names.items()])
        migration.upgrade()

    found = owner.execute(text("SELECT id, name FROM ab_role WHERE id > 900 ORDER BY id"))
    assert dict(found.all()) == {
        901: "係 a",
        902: "係 A (902)",
        903: "別の係",
        904: longest,
        905: "x" * 52 + " (905)",
        906: "nec admin (906)",
    }


def test_a_link_that_was_revoked_stays_shut_when_going_back(make, owner):
    user = make.user()
    add = text(
        "INSERT INTO password_link (user_id, token_hash, expires_at, revoked_at)"
        " VALUES (:user, 'x', '2026-11-23', '2026-11-22')"
    )
    owner.execute(add, {"user": user.id})
    with Operations.context(MigrationContext.configure(owner)):
        import_module("migrations.versions.0015_sessions_and_role_names").downgrade()

    assert str(owner.scalar(text("SELECT expires_at::date FROM password_link"))) == "2026-11-22"
    assert owner.scalar(text("SELECT session_epoch FROM ab_user")) > 1_000_000_000
