"""Whoever somebody is, they reach what the rights of their roles say and nothing else, from the next request on."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from flask import Response, abort
from sqlalchemy import func, select

from app.security import ROLES, PortalSecurityManager
from app.web.access import is_tenantless
from app.web.registers import register
from models.accounts import role as role_rules
from models.accounts import user_rules
from models.accounts.membership import Membership
from models.accounts.role import PARTNER_OPERATOR
from models.actor import SYSTEM
from models.audit import AuditEntry
from models.errors import DomainError
from tests.conventions.routes import Route, path, routes
from tests.conventions.test_tenancy import crosses_tenants, keyed

RIGHTS = tuple(sorted((view, name) for view, names in ROLES[PARTNER_OPERATOR].items() for name in names))
LET_IN = 299


def told_apart(rights: tuple[tuple[str, str], ...]) -> list[set[tuple[str, str]]]:
    """No rights, all of them, and sets of which, for any two rights, one has the first without the second."""
    # Each right is in another four of nine sets.
    memberships = list(zip(rights, combinations(range(9), 4), strict=False))
    assert len(memberships) == len(rights), "Tell more rights apart by four of ten sets."
    return [set(), set(rights), *({right for right, sets in memberships if number in sets} for number in range(9))]


def guarded(app) -> dict[Route, tuple[str, str]]:
    """The routes behind a right, with the right's view and name."""
    views = {type(view).__name__: view for view in app.extensions["appbuilder"].baseviews}
    found = {}
    for route in routes(app):
        if route.endpoint in register().public | register().tenantless:
            continue
        name, _, method = route.endpoint.partition(".")
        view = views[name]
        right = (view.method_permission_name or {}).get(method) or getattr(view, method)._permission_name
        found[route] = (view.class_permission_name, f"can_{right}")
    return found


@pytest.fixture
def stops_at_the_door(app, monkeypatch):
    """Let requests end where their right is asked for, without a page: 299 for yes, as pages are slow and may write."""
    real = PortalSecurityManager.has_access

    def has_access(self: Any, permission_name: str, view_name: str) -> None:
        abort(Response(status=LET_IN if real(self, permission_name, view_name) else 403))

    monkeypatch.setattr(PortalSecurityManager, "has_access", has_access)
    monkeypatch.setattr(app.extensions["appbuilder"].sm.limiter, "enabled", False)


def test_a_role_of_ones_own_reaches_exactly_its_rights_at_the_next_request(
    app, make, world, signed_in, stops_at_the_door
):
    rights = {tuple(role_rules.right_name(each).split()): each for each in role_rules.grantable(make.session)}
    role = make.role("係")
    client = signed_in(make.member(world.ours.tenant, role.name), world.ours.tenant)
    doors = [(route, right, path(app, route, world.ours.keys())) for route, right in guarded(app).items()]
    assert set(rights) == set(RIGHTS) <= {right for _, right, _ in doors}

    for held in told_apart(RIGHTS):
        role.permissions = [rights[each] for each in sorted(held)]
        make.session.commit()

        answers = {
            route: (client.open(url, method=route.method).status_code, LET_IN if right in held else 403)
            for route, right, url in doors
        }

        assert not {str(route): pair for route, pair in answers.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("only_ours", [False, True])
def test_a_role_of_ones_own_finds_nothing_of_another_tenant(app, make, world, signed_in, only_ours):
    tenant = world.ours.tenant if only_ours else None
    role = make.role("係", *(f"{view} {name}" for view, name in RIGHTS), tenant=tenant)
    client = signed_in(make.member(world.ours.tenant, role.name), world.ours.tenant)
    for route in keyed(app):
        if not crosses_tenants(route):
            answer = client.open(path(app, route, world.theirs.keys()), method=route.method)
            assert answer.status_code in {403, 404}, f"{route} finds a row of another tenant."


def test_a_role_of_one_tenant_is_offered_and_given_in_no_other(make, world):
    tenants = world.ours.tenant, world.theirs.tenant
    roles = [make.role(f"係{number}", tenant=tenant) for number, tenant in enumerate((None, *tenants))]
    ours, theirs = ({each.id for each in role_rules.in_tenant(make.session, tenant.id)} for tenant in tenants)

    assert {each.id for each in roles} & ours == {roles[0].id, roles[1].id}
    assert {each.id for each in roles} & theirs == {roles[0].id, roles[2].id}
    for tenant, foreign in zip(tenants, (roles[2], roles[1]), strict=True):
        with pytest.raises(DomainError, match="another tenant"):
            user_rules.join_tenant(make.session, make.user(), tenant, foreign.name, by=SYSTEM)


@pytest.fixture
def outsiders(make, world, signed_in):
    """Clients whose cookie says that they are in our tenant, of users who are not; with where they are sent."""
    ours, theirs = world.ours.tenant, world.theirs.tenant
    removed, inactive = (make.member(ours, PARTNER_OPERATOR) for _ in range(2))
    found = {
        "a user of no tenant": (signed_in(make.user(), ours), "/tenants/"),
        "a member of another tenant": (signed_in(make.member(theirs, PARTNER_OPERATOR), ours), "/tenants/"),
        "a member just taken out": (signed_in(removed, ours), "/tenants/"),
        "a user just deactivated": (signed_in(inactive, ours), "/login/"),
        "NEC's staff without an entry": (_without_entry(signed_in(make.elevated("NEC Staff")), ours), "/tenants/"),
        "nobody": (world.clients["nobody"], "/login/"),
    }
    for name in ("a member just taken out", "a user just deactivated"):
        assert found[name][0].get("/customers/").status_code == 200
    user_rules.leave_tenant(make.session, make.session.scalars(_membership_of(removed)).one(), by=SYSTEM)
    inactive.active = False
    make.session.commit()
    return found


def _without_entry(client: Any, tenant: Any) -> Any:
    with client.session_transaction() as session:
        session["tenant_id"] = tenant.id
    return client


def _membership_of(user: Any) -> Any:
    return select(Membership).where(Membership.user_id == user.id)


def test_who_is_not_in_a_tenant_is_refused_by_every_route_of_it(app, make, world, outsiders):
    def audited() -> int:
        make.session.rollback()
        return make.session.scalar(select(func.count()).select_from(AuditEntry))

    before = audited()
    addresses = {route: path(app, route, world.ours.keys()) for route in guarded(app)}
    cookie_name = app.config["SESSION_COOKIE_NAME"]
    for name, (client, sent_to) in outsiders.items():
        cookie = client.get_cookie(cookie_name)
        for route, address in addresses.items():
            if name.startswith("NEC") and is_tenantless(route.endpoint):
                continue
            if cookie is not None:  # an answer may have taken the tenant out of it
                client.set_cookie(cookie_name, cookie.value)
            answer = client.open(address, method=route.method)
            if is_tenantless(route.endpoint) and sent_to == "/tenants/":
                assert answer.status_code == 403, f"{route} let {name} in."
            else:
                assert answer.status_code == 302, f"{route} let {name} in."
                assert answer.location.partition("?")[0] == sent_to, f"{route} sent {name} to {answer.location}."
    assert audited() == before


def test_another_role_in_a_tenant_is_in_force_at_the_next_request(make, world, signed_in):
    user = make.member(world.ours.tenant, PARTNER_OPERATOR)
    client = signed_in(user, world.ours.tenant)
    lists_only = make.role("係", "Customers can_list")

    def change(role: str) -> tuple[int, int]:
        membership = make.session.scalars(_membership_of(user)).one()
        user_rules.change_membership(make.session, membership, role, by=SYSTEM)
        make.session.commit()
        return client.get("/customers/").status_code, client.get("/customers/add").status_code

    assert change("Partner Viewer") == (200, 403)
    assert change(PARTNER_OPERATOR) == (200, 200)
    assert change(lists_only.name) == (200, 403)
    role_rules.change(make.session, lists_only, "係", [], version=lists_only.version, by=SYSTEM)
    make.session.commit()
    assert client.get("/customers/").status_code == 403
