"""A role of one tenant is held there and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from models.accounts import invitation_rules, role, user_rules
from models.accounts.invitation_rules import Invitation
from models.accounts.membership import Membership
from models.actor import SYSTEM
from models.audit import AuditEntry
from models.errors import DomainError

REQUEST = Invitation(
    datetime(2026, 11, 22, 3, 0, tzinfo=UTC), SYSTEM, "https://portal.example.jp", "support@example.jp"
)


@pytest.fixture
def tenants(make):
    return make.tenant(), make.tenant()


@pytest.fixture
def alerts_only(make, tenants):
    return make.role("アラート係", "Alerts can_list", tenant=tenants[0])


def test_a_role_is_created_for_one_tenant(make, tenants):
    made = role.create(make.session, "請求係", [], tenant_id=tenants[0].id, by=SYSTEM)

    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "role.created")).one()
    assert made.tenant_id == tenants[0].id
    assert entry.after == {"name": "請求係", "tenant": tenants[0].id, "permissions": []}


def test_a_role_for_a_tenant_that_does_not_exist_is_refused(make):
    with pytest.raises(DomainError, match="no such tenant") as refused:
        role.create(make.session, "請求係", [], tenant_id="T9999999", by=SYSTEM)

    assert refused.value.field == "tenant_id"


def test_each_tenant_is_offered_its_own_roles_and_those_of_all(make, tenants, alerts_only):
    ours, theirs = ({each.name for each in role.in_tenant(make.session, tenant.id)} for tenant in tenants)

    assert ours - theirs == {"アラート係"}
    assert theirs == {"Partner Operator", "Partner Viewer"}
    assert {each.name for each in role.in_tenant(make.session, None)} == theirs


def test_a_user_joins_the_tenant_of_the_role(make, tenants, alerts_only):
    user_rules.join_tenant(make.session, make.user(), tenants[0], alerts_only.name, by=SYSTEM)

    assert make.session.scalars(select(Membership.role_id)).all() == [alerts_only.id]


def test_a_user_does_not_join_another_tenant_with_it(make, tenants, alerts_only):
    with pytest.raises(DomainError, match="belongs to another tenant"):
        user_rules.join_tenant(make.session, make.user(), tenants[1], alerts_only.name, by=SYSTEM)


def test_a_member_of_another_tenant_does_not_get_it(make, tenants, alerts_only):
    membership = make.membership(tenant=tenants[1])

    with pytest.raises(DomainError, match="belongs to another tenant"):
        user_rules.change_membership(make.session, membership, alerts_only.name, by=SYSTEM)


def test_nobody_is_invited_to_another_tenant_with_it(make, tenants, alerts_only):
    invitation_rules.invite(make.session, tenants[0], "hanako@example.jp", alerts_only.name, request=REQUEST)

    with pytest.raises(DomainError, match="belongs to another tenant"):
        invitation_rules.invite(make.session, tenants[1], "hanako@example.jp", alerts_only.name, request=REQUEST)
