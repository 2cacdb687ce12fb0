"""What is in the menus, and which of it a person may see."""

from __future__ import annotations

from typing import NamedTuple

from flask import current_app

from models.errors import N_


class Entry(NamedTuple):
    """A line of a menu.

    :ivar label: translated where it is shown.
    :ivar endpoint: where it leads.
    :ivar right: the permission that shows it.
    :ivar views: those whose pages belong to it.
    """

    label: str
    endpoint: str
    right: tuple[str, str]
    icon: str = ""
    views: tuple[str, ...] = ()


# The side menu (§5.3).
MENU = (
    Entry(N_("Dashboard"), "HomeView.index", ("can_index", "Home"), "home", ("HomeView",)),
    Entry(
        N_("Customers"),
        "CustomerView.list",
        ("can_list", "Customers"),
        "building",
        ("CustomerView", "UtmView", "AlertView"),
    ),
    Entry(
        N_("Users and roles"),
        "UserView.list",
        ("can_list", "Users"),
        "shield-lock",
        ("UserView", "RoleView", "RightView", "PermissionNameView", "ViewNameView"),
    ),
)

# Below it, for NEC's people: what is of every tenant, or of none.
STAFF_MENU = (
    Entry(N_("Sent mail"), "MailLogView.list", ("can_list", "MailLog"), "mail", ("MailLogView",)),
    Entry(N_("Jobs"), "JobBoardView.list", ("can_list", "JobBoard"), "server", ("JobBoardView",)),
)

# The user menu (§5.4) above ログアウト.
USER_MENU = (
    Entry(N_("Tenant settings"), "TenantSettingsView.show", ("can_show", "TenantSettings")),
    Entry(N_("Email address settings"), "NotificationAddressView.show", ("can_show", "NotificationAddresses")),
    Entry(N_("Mail template settings"), "MailTemplateView.list", ("can_list", "MailTemplates")),
)


def allowed(entries: tuple[Entry, ...]) -> list[Entry]:
    """Those of some entries that the person may open."""
    manager = current_app.extensions["appbuilder"].sm
    return [entry for entry in entries if manager.has_access(*entry.right)]
