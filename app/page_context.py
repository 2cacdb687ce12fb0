"""What the layout shows on every page: menu, tenant, user."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from flask_babel import lazy_gettext
from flask_login import current_user

from app.access import TENANTLESS_VIEWS
from models import clock
from models.alert import ACTION_LABELS, LEVEL_LABELS
from views.alert_rows import function_name
from views.base import address_of
from views.languages import language_choice

# The side menu (§5.3): label, icon, endpoint it leads to, views whose pages belong to it, permission that shows it.
MENU = (
    (lazy_gettext("Dashboard"), "home", "HomeView.index", ("HomeView",), ("can_index", "Home")),
    (
        lazy_gettext("Customers"),
        "building",
        "CustomerView.list",
        ("CustomerView", "UtmView", "AlertView"),
        ("can_list", "Customers"),
    ),
    (
        lazy_gettext("Users and roles"),
        "shield-lock",
        "UserView.list",
        ("UserView", "RoleView", "RightView", "PermissionNameView", "ViewNameView"),
        ("can_list", "Users"),
    ),
)

# Below it, for NEC's people: what is of every tenant, or of none.
STAFF_MENU = (
    (lazy_gettext("Sent mail"), "mail", "MailLogView.list", ("MailLogView",), ("can_list", "MailLog")),
    (lazy_gettext("Jobs"), "server", "JobBoardView.list", ("JobBoardView",), ("can_list", "JobBoard")),
)

# The user menu (§5.4) above ログアウト: label, endpoint it leads to, permission that shows it.
USER_MENU: tuple[tuple[Any, str, tuple[str, str]], ...] = (
    (lazy_gettext("Tenant settings"), "TenantSettingsView.show", ("can_show", "TenantSettings")),
    (lazy_gettext("Email address settings"), "NotificationAddressView.show", ("can_show", "NotificationAddresses")),
    (lazy_gettext("Mail template settings"), "MailTemplateView.list", ("can_list", "MailTemplates")),
)


def init_app(app: Flask) -> None:
    """Give templates the frame of the page and the words for times, functions and levels."""
    app.context_processor(lambda: {"portal": portal_frame()})
    app.jinja_env.filters["screen_time"] = clock.screen_time
    app.jinja_env.filters["function_label"] = function_name
    app.jinja_env.filters["action_label"] = lambda value: ACTION_LABELS.get(value, value)
    app.jinja_env.filters["level_label"] = lambda value: LEVEL_LABELS.get(value, value)


def portal_frame() -> dict[str, Any]:
    """The parts of the layout, empty where nobody is signed in."""
    frame: dict[str, Any] = {
        "menu": [],
        "staff_menu": [],
        "user": None,
        "tenant": None,
        "tenants_url": None,
        "user_menu": [],
        "sign_out_url": None,
        "home_url": address_of("HomeView.index"),
        "now": clock.screen_time(clock.utc_now()),
    }
    frame |= language_choice()
    identity = g.get("identity") if has_request_context() else None
    if identity is None or not current_user.is_authenticated:
        return frame
    many = identity.elevated or identity.tenant_count > 1
    frame |= {
        "menu": _menu(MENU, in_tenant=identity.tenant is not None),
        "staff_menu": _menu(STAFF_MENU, in_tenant=identity.tenant is not None),
        "user_menu": _user_menu() if identity.tenant else [],
        "user": {"name": identity.user.get_full_name(), "email": identity.user.email},
        "tenant": identity.tenant,
        "tenants_url": address_of("TenantView.list") if many else None,
        "sign_out_url": address_of("SignInView.logout"),
    }
    return frame


def _menu(entries: Any, *, in_tenant: bool) -> list[dict[str, Any]]:
    manager = current_app.extensions["appbuilder"].sm
    here = (request.endpoint or "").partition(".")[0]
    return [
        {"label": label, "url": address_of(endpoint), "icon": icon, "active": here in views}
        for label, icon, endpoint, views, right in entries
        if manager.has_access(*right) and (in_tenant or views[0] in TENANTLESS_VIEWS)
    ]


def _user_menu() -> list[dict[str, Any]]:
    manager = current_app.extensions["appbuilder"].sm
    return [
        {"label": label, "url": address_of(endpoint)}
        for label, endpoint, right in USER_MENU
        if manager.has_access(*right)
    ]
