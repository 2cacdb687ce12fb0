"""The tabs above the screens of users, roles and rights."""

from __future__ import annotations

from flask_babel import lazy_gettext

from views.screen.navigation import Tab

ADMINISTRATION = (
    Tab(lazy_gettext("Users"), "UserView.list", ("can_list", "Users")),
    Tab(lazy_gettext("Access ledger"), "AccessLedgerView.list", ("can_list", "AccessLedger")),
    Tab(lazy_gettext("Roles"), "RoleView.list", ("can_list", "Roles")),
    Tab(lazy_gettext("Rights"), "RightView.list", ("can_list", "Permissions")),
    Tab(lazy_gettext("Permissions"), "PermissionNameView.list", ("can_list", "Permissions")),
    Tab(lazy_gettext("Views"), "ViewNameView.list", ("can_list", "Permissions")),
)
