"""Roles: built-in roles, defined in code, and custom roles, created by an administrator.

Every ``flask portal upgrade`` rewrites the built-in roles. Changes made on screen would be lost at the next version, so
they are read-only. A custom role is held in a tenant, in any or only in the one it was created for, and can contain only permissions of a partner operator, so that no
custom role gives access to NEC's screens or to another tenant (docs/adr/0003-appbuilder-as-a-toolbox.md).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_appbuilder.security.sqla.models import PermissionView, assoc_permissionview_role, assoc_user_role
from sqlalchemy import Index, Select, func, select
from sqlalchemy.orm import Session, relationship

from models import audit
from models.accounts.invitation import InvitationState, UserInvitation, state_at
from models.accounts.membership import Membership
from models.accounts.user import Role
from models.actor import Actor
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.row_lock import lock, serialize
from models.scope import all_tenants
from models.tenants.tenant import Tenant
from models.values.visible_text import visible
from models.versioned import lock_version

PARTNER_OPERATOR = "Partner Operator"
PARTNER_VIEWER = "Partner Viewer"
NEC_STAFF = "NEC Staff"
NEC_ADMIN = "NEC Admin"
PUBLIC = "Public"

BUILT_IN = (PARTNER_OPERATOR, PARTNER_VIEWER, NEC_STAFF, NEC_ADMIN, PUBLIC)
"""Roles whose permissions are defined in ``app/security.py``."""

ELEVATED = (NEC_STAFF, NEC_ADMIN)
"""Roles that a user holds in every tenant. All others are held in one tenant, through a membership."""

NAME_LENGTH = 64

IS_BUILT_IN = N_("A built-in role cannot be changed: each upgrade of the portal overwrites it.")
NAME_TAKEN = N_("A role with this name already exists.")
NO_NAME = N_("This field is required.")
TOO_LONG = N_("A role name can have up to 64 characters.")
IN_USE = N_("The role is assigned to users. Assign them another role first.")
INVITED = N_("People are invited with this role. Withdraw their invitations first.")
UNIQUE_ERRORS = dict.fromkeys(("ab_role_name_key", "uq_ab_role_lower_name"), ("name", NAME_TAKEN))
"""The error for a violated unique index, when a concurrent request was first."""
BEYOND_OPERATOR = N_("A role can only contain permissions of a partner operator.")
NO_TENANT = N_("There is no such tenant.")

_NAMES = "role_name"
"""The name of the advisory lock that serializes changes of role names."""

Index("uq_ab_role_lower_name", func.lower(Role.name), unique=True)
Role.tenant = relationship(Tenant)
Role.built_in = property(lambda self: self.name in BUILT_IN)


def in_tenants(session: Session) -> list[Any]:
    """Return the roles that can be held in a tenant, also those of a single one, by name."""
    return list(session.scalars(_ordered().where(Role.name.not_in([*ELEVATED, PUBLIC]))))


def in_tenant(session: Session, tenant_id: str | None) -> list[Any]:
    """Return the roles that can be held in one tenant, by name.

    :param tenant_id: None for a tenant that is yet to be created.
    """
    return [each for each in in_tenants(session) if may_be_held(each, tenant_id)]


def may_be_held(role: Any, tenant_id: str | None) -> bool:
    """Return whether a role that is held in tenants can be held in this one."""
    return role.tenant_id is None or role.tenant_id == tenant_id


def name_with_tenant(role: Any) -> str:
    """Return the name of a role, with the ID of the tenant if it is the role of only one."""
    return f"{role.name} ({role.tenant_id})" if role.tenant_id else str(role.name)


def everywhere(session: Session) -> list[Any]:
    """Return the roles that are held in every tenant, by name."""
    return list(session.scalars(_ordered().where(Role.name.in_(ELEVATED))))


def grantable(session: Session) -> list[Any]:
    """Return the permissions that a custom role can contain, by view and permission: those of a partner operator."""
    held = assoc_permissionview_role
    rights = session.scalars(
        select(PermissionView)
        .join(held, held.c.permission_view_id == PermissionView.id)
        .join(Role, Role.id == held.c.role_id)
        .where(Role.name == PARTNER_OPERATOR)
    )
    return sorted(rights, key=right_name)


def right_name(right: Any) -> str:
    """Return a permission's name as in docs/roles.md: its view and its permission."""
    return f"{right.view_menu.name} {right.permission.name}"


def create(session: Session, name: str, right_ids: Iterable[int], *, tenant_id: str | None = None, by: Actor) -> Any:
    """Create a custom role.

    :param name: must differ from the names of all other roles, ignoring case.
    :param right_ids: IDs of permissions; see :func:`grantable`.
    :param tenant_id: the only tenant in which it can be held, which cannot be changed later; None for any tenant.
    :raises DomainError: the name is empty or taken, a permission exceeds those of a partner operator, or there is no such
        tenant.
    """
    serialize(session, _NAMES)
    if tenant_id is not None and session.get(Tenant, tenant_id) is None:
        raise DomainError(NO_TENANT, field="tenant_id")
    role = Role(name=_free_name(session, name), permissions=_rights(session, right_ids), tenant_id=tenant_id)
    session.add(role)
    session.flush()
    # An administrator's action, which belongs to no tenant.
    audit.record(session, "role.created", ("Role", role.id), by=by, after=_state(role))
    return role


def change(  # noqa: PLR0913  (a rule takes what the person saw and who they are)
    session: Session, role: Any, name: str, right_ids: Iterable[int], *, version: int, by: Actor
) -> None:
    """Change a custom role. Its holders get the new permissions with their next request.

    :param version: the role's version when the person opened the form.
    :raises Conflict: the role was changed in the meantime.
    :raises Gone: the role was deleted in the meantime.
    :raises DomainError: the role is built in, nothing changes, or as for :func:`create`.
    """
    _check_own(role)
    serialize(session, _NAMES)
    lock_version(session, role, version)
    before = _state(role)
    role.name = _free_name(session, name, but=role)
    role.permissions = _rights(session, right_ids)
    after = _state(role)
    if after == before:
        raise DomainError(NOTHING_CHANGED)
    role.version += 1
    audit.record(session, "role.changed", ("Role", role.id), by=by, before=before, after=after)


def delete(session: Session, role: Any, *, now: datetime, by: Actor) -> None:
    """Delete a custom role that nobody holds.

    :raises DomainError: the role is built in, held by a user, or somebody is invited with it.
    :raises Gone: the role was deleted concurrently.
    """
    _check_own(role)
    lock(session, role)
    held = select(Membership.id).where(Membership.role_id == role.id).exists()
    held_everywhere = select(assoc_user_role.c.id).where(assoc_user_role.c.role_id == role.id).exists()
    if session.scalar(select(held | held_everywhere)):
        raise DomainError(IN_USE)
    # Whoever invites somebody locks the role until the end of the transaction, so that the invitation is seen here.
    with all_tenants("a role is for every tenant") as everywhere:
        open_ones = UserInvitation.role_id == role.id, state_at(now) == InvitationState.PENDING
        if everywhere.scalar(select(UserInvitation.id).where(*open_ones).limit(1)) is not None:
            raise DomainError(INVITED)
    audit.record(session, "role.deleted", ("Role", role.id), by=by, before=_state(role))
    session.delete(role)


def _check_own(role: Any) -> None:
    if role.built_in:
        raise DomainError(IS_BUILT_IN)


def plain_name(name: str) -> str:
    """Normalize a role name, so that other blanks or character widths cannot imitate a built-in role.

    >>> plain_name("ＮＥＣ　Ａｄｍｉｎ")
    'NEC Admin'
    """
    return " ".join(visible(unicodedata.normalize("NFKC", name)).split())


def _free_name(session: Session, name: str, *, but: Any = None) -> str:
    name = plain_name(name)
    if not name:
        raise DomainError(NO_NAME, field="name")
    if len(name) > NAME_LENGTH:
        raise DomainError(TOO_LONG, field="name")
    with session.no_autoflush:
        other = session.scalar(select(Role.id).where(func.lower(Role.name) == func.lower(name)))
    if other is not None and (but is None or other != but.id):
        raise DomainError(NAME_TAKEN, field="name")
    return name


def _rights(session: Session, right_ids: Iterable[int]) -> list[Any]:
    wanted = set(right_ids)
    rights = [right for right in grantable(session) if right.id in wanted]
    if len(rights) != len(wanted):
        raise DomainError(BEYOND_OPERATOR, field="permissions")
    return rights


def _state(role: Any) -> dict[str, Any]:
    of_tenant = {"tenant": role.tenant_id} if role.tenant_id else {}
    return {"name": role.name, **of_tenant, "permissions": sorted(right_name(right) for right in role.permissions)}


def _ordered() -> Select[Any]:
    return select(Role).order_by(Role.name)
