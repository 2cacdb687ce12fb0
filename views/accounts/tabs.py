"""The tabs above the screens of users, roles and rights."""

from __future__ import annotations

from flask_babel import lazy_gettext

ADMINISTRATION = (
    (lazy_gettext("Users"), "UserView.list", "can_list", "Users"),
    (lazy_gettext("Roles"), "RoleView.list", "can_list", "Roles"),
    (lazy_gettext("Rights"), "RightView.list", "can_list", "Permissions"),
    (lazy_gettext("Permissions"), "PermissionNameView.list", "can_list", "Permissions"),
    (lazy_gettext("Views"), "ViewNameView.list", "can_list", "Permissions"),
)
"""Label, endpoint, permission and view."""
