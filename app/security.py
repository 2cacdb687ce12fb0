"""Who may do what: the built-in roles, and FAB's security manager with the portal's rules.

The areas' registers give permissions by level, and ``ROLES`` collects them by role. ``flask portal upgrade`` writes it to
the database, ``flask portal roles`` prints it into docs/roles.md, tests/conventions checks every route against it.
"""

from __future__ import annotations

from typing import Any

from flask import g
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    ViewMenu,
    assoc_permissionview_role,
)
from flask_login import current_user
from sqlalchemy import select

import models  # noqa: F401  (every table is known before FAB asks for any mapper)
from app.web.registers import register
from models import clock
from models.accounts import user_session
from models.accounts.identity import read_identity, rights_version
from models.accounts.role import NEC_ADMIN, NEC_STAFF, PARTNER_OPERATOR, PARTNER_VIEWER, PUBLIC
from models.accounts.user import Role
from models.db import db
from views.accounts.sign_in import SignInView

Permissions = dict[str, tuple[str, ...]]
"""View -> permissions."""


def _of_levels(*levels: str) -> Permissions:
    """Return the permissions that the registers give on some levels."""
    held = {
        view: tuple(name for level in levels for name in getattr(rights, level))
        for view, rights in sorted(register().rights.items())
    }
    return {view: names for view, names in held.items() if names}


ROLES: dict[str, Permissions] = {
    PARTNER_OPERATOR: _of_levels("read", "write"),
    PARTNER_VIEWER: _of_levels("read"),
    NEC_STAFF: _of_levels("read", "write", "staff"),
    NEC_ADMIN: _of_levels("read", "write", "staff", "admin"),
    PUBLIC: {},
}
"""Role -> view -> permissions."""


class PortalSecurityManager(SecurityManager):
    """FAB's manager with sign-in by e-mail, a role per tenant, and rights kept per version instead of asked each time."""

    authdbview = SignInView

    @staticmethod
    def create_builtin_roles() -> dict[str, list[list[str]]]:
        """``ROLES`` as FAB keeps the roles of its settings: its screens offer no change of them."""
        return {name: [[view, "|".join(names)] for view, names in rights.items()] for name, rights in ROLES.items()}

    def register_views(self) -> None:
        """Only sign-in here: FAB's JWT password login and self-registration would go around the lock-out.

        Its screens of users, roles and permissions are in ``app/routes.py``.
        """
        self.auth_view = self.appbuilder.add_view_no_menu(self.authdbview())

    def load_user(self, pk: str) -> Any | None:
        """The person of a session, None when it was revoked or its user is switched off.

        :param pk: the session's token, as the cookie has it.
        """
        identity = read_identity(db.session(), str(pk))
        if identity is None or not identity.user.active:
            return None
        user_session.note_use(identity.user.session_token, last_seen_at=identity.last_seen_at, now=clock.utc_now())
        g.identity = identity
        return identity.user

    def get_user_roles(self, user: Any) -> list[Any]:
        """The roles of the signed-in user in the tenant of the request."""
        if not user.is_authenticated:
            return [self.get_public_role()]
        return [db.session.get(Role, role_id) for role_id, _ in g.identity.roles]

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the request may use a view's permission."""
        rights = g.get("rights")
        if rights is None:
            if not current_user.is_authenticated:
                return False
            known = rights_of_roles()
            rights = g.rights = frozenset().union(*(known.get(role_id, ()) for role_id, _ in g.identity.roles))
        return (permission_name, view_name) in rights

    def roles_that_may(self, permission_name: str, view_name: str) -> list[int]:
        """The roles with a permission, for what is done in other tenants than the request's."""
        right = (permission_name, view_name)
        return [role_id for role_id, rights in rights_of_roles().items() if right in rights]

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is public by a row in a table: public routes are listed in ``app.web.access``."""
        return False


_known_rights: tuple[int, dict[int, frozenset[tuple[str, str]]]] = (-1, {})


def rights_of_roles() -> dict[int, frozenset[tuple[str, str]]]:
    """Every role's (permission, view) pairs, kept until the database says they changed.

    A trigger counts every change of a role's permissions, and the count is read with each request's user: a right
    taken away is gone at the next request, whichever process serves it.
    """
    global _known_rights  # noqa: PLW0603  (one value per process, replaced whole)
    version = g.get("rights_version")
    if version is None:
        identity = g.get("identity")
        version = identity.rights_version if identity is not None else rights_version(db.session())
        g.rights_version = version
    known_version, rights = _known_rights
    if known_version != version:
        rights = _read_rights()
        _known_rights = (version, rights)
    return rights


def _read_rights() -> dict[int, frozenset[tuple[str, str]]]:
    rows = db.session.execute(
        select(assoc_permissionview_role.c.role_id, Permission.name, ViewMenu.name)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    rights: dict[int, set[tuple[str, str]]] = {}
    for role_id, permission, view in rows:
        rights.setdefault(role_id, set()).add((permission, view))
    return {role_id: frozenset(pairs) for role_id, pairs in rights.items()}
