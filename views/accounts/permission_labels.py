"""Rights in words, for whoever gives them: what the code calls ``Alerts can_download`` is アラート: ダウンロード.

The names in the code stand beside the words where an administrator compares them with docs/roles.md or the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext
from markupsafe import Markup

from models.errors import N_

VIEWS = {
    "Alerts": N_("Security alerts"),
    "ApplicationFields": N_("Service application: additional items"),
    "Customers": N_("Customers"),
    "Home": N_("Dashboard"),
    "JobBoard": N_("Jobs"),
    "MailLog": N_("Sent mail"),
    "MailTemplates": N_("Mail template settings"),
    "NotificationAddresses": N_("Email address settings"),
    "Permissions": N_("Rights"),
    "PortalTokens": N_("API tokens"),
    "Roles": N_("Roles"),
    "TenantSettings": N_("Tenant settings"),
    "Users": N_("Users"),
    "Utms": N_("UTM"),
}
"""What a right is about."""

PERMISSIONS = {
    "can_add": N_("Create"),
    "can_change_membership": N_("Change roles in tenants"),
    "can_copy": N_("Copy to other tenants"),
    "can_delete": N_("Delete"),
    "can_download": N_("Download"),
    "can_edit": N_("Change"),
    "can_history": N_("Look at the history"),
    "can_important": N_("Look at important alerts"),
    "can_index": N_("Look at the page"),
    "can_issue_link": N_("Make password link"),
    "can_issue_token": N_("Issue an API token"),
    "can_join": N_("Put into tenants"),
    "can_leave": N_("Take out of tenants"),
    "can_list": N_("Look at the list"),
    "can_move": N_("Change the order"),
    "can_password": N_("Set password"),
    "can_reissue": N_("Reissue"),
    "can_reset": N_("Back to the default"),
    "can_restore": N_("Restore"),
    "can_retire": N_("Retire"),
    "can_retry": N_("Run again"),
    "can_revoke": N_("Revoke"),
    "can_save": N_("Save"),
    "can_security": N_("Look at security services"),
    "can_send_again": N_("Send again"),
    "can_send_failed_again": N_("Send failed again"),
    "can_show": N_("Look at details"),
    "can_version": N_("Look at versions"),
    "can_withdraw": N_("Withdraw"),
}
"""What a right lets its holder do there."""

_WITH_CODE = Markup('{} <span class="word d-block font-monospace small text-secondary">{}</span>')


def view_words(name: str) -> str:
    """What a right is about; a name of an earlier version of the portal as it is."""
    return gettext(VIEWS[name]) if name in VIEWS else name


def permission_words(name: str) -> str:
    """What a right lets its holder do; a name of an earlier version of the portal as it is."""
    return gettext(PERMISSIONS[name]) if name in PERMISSIONS else name


def view_with_code(name: str) -> Markup:
    """What a right is about, and its name in the code."""
    return _WITH_CODE.format(view_words(name), name)


def permission_with_code(name: str) -> Markup:
    """What a right lets its holder do, and its name in the code."""
    return _WITH_CODE.format(permission_words(name), name)


def right_with_code(right: Any) -> Markup:
    """A right in words, and its name in the code."""
    view, permission = right.view_menu.name, right.permission.name
    return _WITH_CODE.format(f"{view_words(view)}: {permission_words(permission)}", f"{view} {permission}")


def by_view(rights: Iterable[Any]) -> str:
    """Rights as text: a line for each view with what may be done there."""
    views: dict[str, list[str]] = {}
    for right in rights:
        views.setdefault(right.view_menu.name, []).append(right.permission.name)
    return (
        "\n".join(
            f"{view_words(view)}: {', '.join(map(permission_words, sorted(names)))}"
            for view, names in sorted(views.items())
        )
        or "-"
    )
