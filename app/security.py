"""Permissions: the built-in roles, and FAB's security manager adapted to the portal.

The areas' registers assign permissions to levels, from which ``ROLES`` derives the permissions of each role. ``flask
portal upgrade`` writes them to the database, ``flask portal roles`` prints them for docs/roles.md, and
tests/conventions checks every route against them.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import g, request
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
from models.accounts import password_hash, password_rules, user_session
from models.accounts.identity import read_identity, rights_version
from models.accounts.role import NEC_ADMIN, NEC_STAFF, PARTNER_OPERATOR, PARTNER_VIEWER, PUBLIC
from models.accounts.user import Role, User
from models.actor import COMMAND_LINE
from models.db import db
from views.accounts.session_timeouts import BACKGROUND, session_timeouts
from views.accounts.sign_in import SignInView

Permissions = dict[str, tuple[str, ...]]
"""Permissions by view."""


def _of_levels(*levels: str) -> Permissions:
    """Return the permissions that the registers assign to the given levels."""
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
"""Permissions by role and view."""


class PortalSecurityManager(SecurityManager):
    """FAB's security manager with sign-in by email address, a role per tenant and cached permissions."""

    authdbview = SignInView

    @staticmethod
    def create_builtin_roles() -> dict[str, list[list[str]]]:
        """Return ``ROLES`` in the format of FAB's role settings. FAB's screens do not allow changing such roles."""
        return {name: [[view, "|".join(names)] for view, names in rights.items()] for name, rights in ROLES.items()}

    def register_views(self) -> None:
        """Register only sign-in: FAB's JWT login and self-registration would bypass the account locking.

        The screens for users, roles and permissions are registered by ``app/routes.py``.
        """
        self.auth_view = self.appbuilder.add_view_no_menu(self.authdbview())

    def auth_user_db(self, username: str, password: str) -> None:
        """Refuse FAB's own sign-in: it knows neither Argon2 nor the locking. ``SignInView`` is the only one."""

    def add_user(  # nosec B107  # noqa: PLR0913, PLR0917  (FAB's signature; without a password it is random)
        self,
        username: str,
        first_name: str,
        last_name: str,
        email: str,
        role: Any = None,
        password: str = "",
        hashed_password: str = "",
        **options: Any,
    ) -> Any:
        """Create a user for FAB's command line, with a hash of the portal's kind."""
        hashed = hashed_password or password_hash.make(password or secrets.token_urlsafe(32))
        return super().add_user(username, first_name, last_name, email, role, hashed_password=hashed, **options)

    def reset_password(self, userid: int, password: str) -> None:
        """Set a user's password for FAB's command line, by the portal's rule, which also ends their sessions."""
        password_rules.set_password(db.session(), db.session.get(User, userid), password, by=COMMAND_LINE)
        db.session.commit()

    def load_user(self, pk: str) -> Any | None:
        """Return the user of a session, None if the session has ended or the user is inactive.

        :param pk: the session token from the cookie.
        """
        identity = read_identity(db.session(), str(pk))
        if identity is None or not identity.user.active:
            return None
        now = clock.utc_now()
        timeouts = session_timeouts()
        seen, started = identity.last_seen_at, identity.signed_in_at
        if timeouts.end(started_at=started, last_seen_at=seen) <= now:
            return None
        if BACKGROUND not in request.headers:
            seen = user_session.record_use(identity.user.session_token, last_seen_at=seen, now=now)
        g.session_ends_at = timeouts.end(started_at=started, last_seen_at=seen)
        g.identity = identity
        return identity.user

    def get_user_roles(self, user: Any) -> list[Any]:
        """Return the roles of the signed-in user in the tenant of the request."""
        if not user.is_authenticated:
            return [self.get_public_role()]
        return [db.session.get(Role, role_id) for role_id, _ in g.identity.roles]

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Return whether the signed-in user has a permission on a view."""
        rights = g.get("rights")
        if rights is None:
            if not current_user.is_authenticated:
                return False
            known = rights_of_roles()
            rights = g.rights = frozenset().union(*(known.get(role_id, ()) for role_id, _ in g.identity.roles))
        return (permission_name, view_name) in rights

    def roles_that_may(self, permission_name: str, view_name: str) -> list[int]:
        """Return the IDs of the roles with a permission, for actions in tenants other than that of the request."""
        right = (permission_name, view_name)
        return [role_id for role_id, rights in rights_of_roles().items() if right in rights]

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Return False: public routes are declared in code (``app.web.access``), not in a table."""
        return False


_known_rights: tuple[int, dict[int, frozenset[tuple[str, str]]]] = (-1, {})


def rights_of_roles() -> dict[int, frozenset[tuple[str, str]]]:
    """Return the (permission, view) pairs of every role, cached until they change in the database.

    A trigger counts every change of the roles' permissions, and each request reads the counter with its user. A revoked
    permission is therefore gone with the next request, whichever process handles it.
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
