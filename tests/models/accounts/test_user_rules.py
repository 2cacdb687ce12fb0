"""What an administrator may do with users, and what nobody may do with their own account."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.accounts import password_link, user_rules
from models.accounts.identity import read_identity
from models.accounts.membership import Membership
from models.accounts.user import User
from models.actor import SYSTEM, Actor
from models.errors import Conflict, DomainError
from models.tenants.tenant import Tenant

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def session(engine):
    with Session(engine, info={"tenant_scope": "*"}) as session:
        yield session


def values(user, **changed):
    same = {name: getattr(user, name) for name in ("last_name", "first_name", "email", "active")}
    return same | changed


def change(session, key, roles=(), *, by=SYSTEM, **changed):
    user = session.get(User, key)
    user_rules.change_user(session, user, values(user, **changed), roles, version=user.version, by=by)
    session.commit()
    return user


def audit(make):
    rows = make.session.execute(text("SELECT action, before, after FROM audit_entry ORDER BY id")).all()
    return [tuple(row) for row in rows]


def test_a_user_is_made_with_no_password_that_may_not_be_used(session):
    names = {"last_name": "青空", "first_name": "花子"}
    with pytest.raises(DomainError, match="must not contain the email address") as refused:
        user_rules.create_user(session, "hanako@example.jp", **names, password="Hanako-2026-x", by=SYSTEM)

    assert refused.value.field == "password"


def test_what_a_new_user_has_not_got_is_not_in_the_entry(make, session):
    user_rules.create_user(session, "hanako@example.jp", last_name="青空", first_name="", active=False, by=SYSTEM)
    session.commit()

    assert audit(make) == [("user.created", None, {"email": "hanako@example.jp", "last_name": "青空", "active": False})]


def test_a_change_of_address_is_a_change_of_the_name_one_signs_in_with(make, session):
    user = make.user(email="old@example.jp")

    change(session, user.id, email=" ＮＥＷ@Example.jp ")

    changed = session.get(User, user.id)
    assert (changed.email, changed.username) == ("new@example.jp", "new@example.jp")
    assert audit(make) == [
        (
            "user.changed",
            {"email": "old@example.jp", "username": "old@example.jp"},
            {"email": "new@example.jp", "username": "new@example.jp"},
        )
    ]


def test_an_address_is_one_users_in_whatever_spelling(make, session):
    make.user(email="taken@example.jp")
    user = make.user()

    with pytest.raises(DomainError, match="already in use") as refused:
        change(session, user.id, email="TAKEN@example.jp")

    assert refused.value.field == "email"


@pytest.mark.parametrize(("length", "taken"), [(254, True), (255, False)])
def test_an_address_has_254_characters_at_most(make, session, length, taken):
    user = make.user()
    address = "a" * (length - len("@example.jp")) + "@example.jp"

    if taken:
        assert change(session, user.id, email=address).email == address
    else:
        with pytest.raises(DomainError):
            change(session, user.id, email=address)


def test_roles_given_and_taken_are_audited_each(make, session):
    user = make.elevated("NEC Staff")

    change(session, user.id, ["NEC Admin"])

    assert [role.name for role in session.get(User, user.id).roles] == ["NEC Admin"]
    assert audit(make) == [
        ("user.role_granted", None, {"role": "NEC Admin"}),
        ("user.role_taken", {"role": "NEC Staff"}, None),
    ]


@pytest.mark.parametrize("name", ["Partner Operator", "Public", "nonsense"])
def test_only_necs_roles_are_held_everywhere(make, session, name):
    user = make.user()

    with pytest.raises(DomainError, match="for all tenants"):
        change(session, user.id, [name])


def test_changing_nothing_is_refused(make, session):
    user = make.elevated("NEC Staff")

    with pytest.raises(DomainError, match="at least one"):
        change(session, user.id, ["NEC Staff"])


def test_the_second_of_two_who_change_a_user_is_told(make, session):
    user = make.user()
    seen = session.get(User, user.id).version
    session.rollback()
    change(session, user.id, last_name="先")

    mine = session.get(User, user.id)
    with pytest.raises(Conflict):
        user_rules.change_user(session, mine, values(mine, last_name="後"), [], version=seen, by=SYSTEM)


@pytest.mark.parametrize(("roles", "active"), [(["NEC Admin"], False), ([], True), (["NEC Staff"], True)])
def test_an_administrator_cannot_shut_themself_out(make, session, roles, active):
    make.elevated("NEC Admin")
    admin = make.elevated("NEC Admin")

    with pytest.raises(DomainError, match="your own"):
        change(session, admin.id, roles, by=Actor("admin", admin.id), active=active)


def test_an_administrator_can_change_their_own_name(make, session):
    admin = make.elevated("NEC Admin")

    changed = change(session, admin.id, ["NEC Admin"], by=Actor("admin", admin.id), last_name="新姓")

    assert changed.last_name == "新姓"


def test_the_last_administrator_who_can_sign_in_stays(make, session):
    admin = make.elevated("NEC Admin")
    make.elevated("NEC Admin", active=False)

    with pytest.raises(DomainError, match="At least one NEC Admin"):
        change(session, admin.id, ["NEC Admin"], active=False)
    session.rollback()
    with pytest.raises(DomainError, match="At least one NEC Admin"):
        user_rules.delete_user(session, session.get(User, admin.id), by=SYSTEM)


def test_of_two_administrators_who_remove_each_other_one_stays(make, engine):
    pair = [make.elevated("NEC Admin"), make.elevated("NEC Admin")]
    together = threading.Barrier(2)

    def remove(other, by):
        with Session(engine, info={"tenant_scope": "*"}) as session:
            user = session.get(User, other)
            together.wait(timeout=10)
            try:
                user_rules.delete_user(session, user, by=Actor("admin", by))
                session.commit()
            except DomainError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        removed = list(pool.map(remove, [pair[1].id, pair[0].id], [pair[0].id, pair[1].id]))

    assert sorted(removed) == [False, True]


def test_a_deleted_user_is_gone_with_their_places_and_named_in_the_audit_log(make, session):
    tenant = make.tenant()
    user = make.member(tenant, "Partner Viewer", email="gone@example.jp")

    user_rules.delete_user(session, session.get(User, user.id), by=SYSTEM)
    session.commit()

    assert session.scalar(select(Membership)) is None
    assert audit(make) == [
        ("membership.deleted", {"email": "gone@example.jp", "role": "Partner Viewer"}, None),
        ("user.deleted", {"email": "gone@example.jp", "roles": [], "tenants": [tenant.id]}, None),
    ]


def test_a_user_who_made_others_can_be_deleted(make, session):
    maker = make.user()
    made = make.user(created_by_fk=maker.id)

    user_rules.delete_user(session, session.get(User, maker.id), by=SYSTEM)
    session.commit()

    assert session.get(User, made.id).created_by_fk is None


@pytest.fixture
def access(make, session):
    """A user with a session and an open link, and what of both still works: ``access.left()``."""

    class Access:
        user = make.user(email="hanako@example.jp")
        token = make.session_token(user)
        link = password_link.issue(session, session.get(User, user.id), now=NOW, by=SYSTEM)

        def left(self):
            with Session(session.bind) as fresh:
                identity = read_identity(fresh, self.token)
                link = password_link.open_link(fresh, self.link, now=NOW)
            return [name for name, found in (("session", identity), ("link", link)) if found is not None]

    access = Access()
    session.commit()
    return access


@pytest.mark.parametrize("changed", [{"active": False}, {"email": "new@example.jp"}])
def test_another_address_and_being_switched_off_end_sessions_and_links_for_good(session, access, changed):
    assert access.left() == ["session", "link"]

    change(session, access.user.id, **changed)
    assert access.left() == []

    change(session, access.user.id, active=True, email="hanako@example.jp", last_name="別")
    assert access.left() == []


def test_another_name_and_role_leave_sessions_and_links(session, access):
    change(session, access.user.id, ["NEC Staff"], last_name="新姓")

    assert access.left() == ["session", "link"]


def test_what_ends_one_users_sessions_leaves_another_users(make, session, access):
    change(session, make.user().id, active=False)

    assert access.left() == ["session", "link"]


def test_places_in_tenants_are_made_changed_and_ended(make, session):
    tenant, user = make.tenant(), make.user()
    here = session.get(Tenant, tenant.id)

    user_rules.join_tenant(session, user, here, "Partner Viewer", by=SYSTEM)
    session.commit()
    membership = session.scalars(select(Membership)).one()
    user_rules.change_membership(session, membership, "Partner Operator", by=SYSTEM)
    session.commit()
    assert membership.role.name == "Partner Operator"
    user_rules.leave_tenant(session, membership, by=SYSTEM)
    session.commit()

    assert audit(make) == [
        ("membership.created", None, {"email": user.email, "role": "Partner Viewer"}),
        (
            "membership.changed",
            {"email": user.email, "role": "Partner Viewer"},
            {"email": user.email, "role": "Partner Operator"},
        ),
        ("membership.deleted", {"email": user.email, "role": "Partner Operator"}, None),
    ]


def test_nobody_is_in_a_tenant_twice(make, session):
    tenant = make.tenant()
    user = make.member(tenant, "Partner Viewer")

    with pytest.raises(DomainError, match="already a member of this tenant"):
        user_rules.join_tenant(session, user, session.get(Tenant, tenant.id), "Partner Operator", by=SYSTEM)


@pytest.mark.parametrize("name", ["NEC Staff", "NEC Admin", "Public"])
def test_necs_roles_are_not_held_in_a_tenant(make, session, name):
    tenant, user = make.tenant(), make.user()

    with pytest.raises(DomainError, match="cannot be assigned in a tenant"):
        user_rules.join_tenant(session, user, session.get(Tenant, tenant.id), name, by=SYSTEM)
