"""Own roles hold what a partner operator may do and no more; built-in ones are only looked at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.accounts import role
from models.accounts.user import Role
from models.actor import SYSTEM
from models.errors import Conflict, DomainError

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def session(engine, context):
    with Session(engine, info={"tenant_scope": "*"}) as session:
        yield session


def right_ids(session, *names):
    return [right.id for right in role.grantable(session) if role.right_name(right) in names]


def named(session, name):
    return session.scalars(select(Role).where(Role.name == name)).one()


def audit(make):
    return [
        tuple(row) for row in make.session.execute(text("SELECT action, before, after FROM audit_entry ORDER BY id"))
    ]


def test_an_own_role_holds_rights_of_a_partner_operator(make, session):
    made = role.create(session, " 閲覧係 ", right_ids(session, "Customers can_list", "Home can_index"), by=SYSTEM)
    session.commit()

    assert made.name == "閲覧係"
    assert audit(make) == [
        ("role.created", None, {"name": "閲覧係", "permissions": ["Customers can_list", "Home can_index"]})
    ]


@pytest.mark.parametrize("view", ["Users", "Roles", "Permissions"])
def test_no_own_role_holds_a_right_of_an_administrator(session, view):
    beyond = session.scalar(
        text(
            "SELECT pv.id FROM ab_permission_view pv JOIN ab_view_menu v ON v.id = pv.view_menu_id"
            " JOIN ab_permission p ON p.id = pv.permission_id WHERE v.name = :view AND p.name = 'can_list'"
        ),
        {"view": view},
    )

    with pytest.raises(DomainError, match="partner operator") as refused:
        role.create(session, "管理係", [beyond], by=SYSTEM)

    assert refused.value.field == "permissions"


@pytest.mark.parametrize("name", ["nec admin", "既存"])
def test_a_name_is_one_roles_in_whatever_case(make, session, name):
    make.role("既存")

    with pytest.raises(DomainError, match="this name already"):
        role.create(session, name, [], by=SYSTEM)


@pytest.mark.parametrize(("name", "taken"), [("係" * 64, True), ("係" * 65, False), ("  ", False)])
def test_a_name_has_1_to_64_characters(session, name, taken):
    if taken:
        assert role.create(session, name, [], by=SYSTEM).name == name
    else:
        with pytest.raises(DomainError):
            role.create(session, name, [], by=SYSTEM)


def test_a_change_is_audited_with_both_states(make, session):
    made = make.role("係", "Customers can_list")
    mine = named(session, "係")

    role.change(session, mine, "係長", right_ids(session, "Home can_index"), version=mine.version, by=SYSTEM)
    session.commit()

    assert [right.id for right in session.get(Role, made.id).permissions] == right_ids(session, "Home can_index")
    assert audit(make) == [
        (
            "role.changed",
            {"name": "係", "permissions": ["Customers can_list"]},
            {"name": "係長", "permissions": ["Home can_index"]},
        )
    ]


def test_the_second_of_two_who_change_a_role_is_told(make, session):
    make.role("係", "Customers can_list")
    mine = named(session, "係")
    seen = mine.version
    role.change(session, mine, "係", [], version=seen, by=SYSTEM)
    session.commit()

    with pytest.raises(Conflict):
        role.change(session, named(session, "係"), "係長", [], version=seen, by=SYSTEM)


@pytest.mark.parametrize("name", role.BUILT_IN)
def test_a_built_in_role_is_neither_changed_nor_deleted(session, name):
    mine = named(session, name)

    with pytest.raises(DomainError, match="built-in"):
        role.change(session, mine, "別名", [], version=mine.version, by=SYSTEM)
    with pytest.raises(DomainError, match="built-in"):
        role.delete(session, mine, now=NOW, by=SYSTEM)


def test_a_role_somebody_holds_is_not_deleted(make, session):
    make.role("係", "Customers can_list")
    make.member(make.tenant(), "係")

    with pytest.raises(DomainError, match="assigned to users"):
        role.delete(session, named(session, "係"), now=NOW, by=SYSTEM)


def test_a_role_nobody_holds_is_deleted(make, session):
    make.role("係", "Customers can_list")

    role.delete(session, named(session, "係"), now=NOW, by=SYSTEM)
    session.commit()

    assert session.scalar(select(Role).where(Role.name == "係")) is None
    assert audit(make) == [("role.deleted", {"name": "係", "permissions": ["Customers can_list"]}, None)]
