"""What the layout shows on every page: menu, tenant, user."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Flask, current_app, g, has_request_context, redirect, request
from flask_login import current_user

from app.access import TENANTLESS_ENDPOINTS, TENANTLESS_VIEWS
from models import clock
from models.alert import ACTION_LABELS, LEVEL_LABELS
from models.errors import N_
from views.alert_rows import function_name
from views.base import address_of
from views.languages import language_choice


class _Entry(NamedTuple):
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


class MenuItem(NamedTuple):
    """A line of the side menu as the template shows it.

    :ivar label: translated there.
    :ivar active: whether the page belongs to it.
    """

    label: str
    url: str
    icon: str
    active: bool


# The side menu (§5.3).
MENU = (
    _Entry(N_("Dashboard"), "HomeView.index", ("can_index", "Home"), "home", ("HomeView",)),
    _Entry(
        N_("Customers"),
        "CustomerView.list",
        ("can_list", "Customers"),
        "building",
        ("CustomerView", "UtmView", "AlertView"),
    ),
    _Entry(
        N_("Users and roles"),
        "UserView.list",
        ("can_list", "Users"),
        "shield-lock",
        ("UserView", "RoleView", "RightView", "PermissionNameView", "ViewNameView"),
    ),
)

# Below it, for NEC's people: what is of every tenant, or of none.
STAFF_MENU = (
    _Entry(N_("Sent mail"), "MailLogView.list", ("can_list", "MailLog"), "mail", ("MailLogView",)),
    _Entry(N_("Jobs"), "JobBoardView.list", ("can_list", "JobBoard"), "server", ("JobBoardView",)),
)

# The user menu (§5.4) above ログアウト.
USER_MENU = (
    _Entry(N_("Tenant settings"), "TenantSettingsView.show", ("can_show", "TenantSettings")),
    _Entry(N_("Email address settings"), "NotificationAddressView.show", ("can_show", "NotificationAddresses")),
    _Entry(N_("Mail template settings"), "MailTemplateView.list", ("can_list", "MailTemplates")),
)


def init_app(app: Flask) -> None:
    """Give templates the frame of the page and the words for times, functions and levels."""
    app.before_request(_lead_on)
    app.context_processor(lambda: {"portal": portal_frame()})
    app.jinja_env.filters["screen_time"] = clock.screen_time
    app.jinja_env.filters["function_label"] = function_name
    app.jinja_env.filters["action_label"] = lambda value: ACTION_LABELS.get(value, value)
    app.jinja_env.filters["level_label"] = lambda value: LEVEL_LABELS.get(value, value)


def _lead_on() -> Any:
    """Lead who has no dashboard, which every sign-in and every mistake leads to, to the first screen they have."""
    identity = g.get("identity")
    if request.endpoint != "HomeView.index" or identity is None or identity.tenant is None:
        return None
    first = next(iter(_allowed(MENU + STAFF_MENU + USER_MENU)), None)
    return redirect(address_of(first.endpoint)) if first is not None and first.endpoint != request.endpoint else None


def portal_frame() -> dict[str, Any]:
    """The parts of the layout, empty where nobody is signed in."""
    frame: dict[str, Any] = {
        "menu": (),
        "staff_menu": (),
        "user": None,
        "tenant": None,
        "in_tenant": False,
        "tenants_url": None,
        "user_menu": (),
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
        "user_menu": _user_menu() if identity.tenant else (),
        "user": {"name": identity.user.get_full_name(), "email": identity.user.email},
        "tenant": identity.tenant,
        "in_tenant": identity.tenant is not None and not _crosses_tenants(),
        "tenants_url": address_of("TenantView.list") if many else None,
        "sign_out_url": address_of("SignInView.logout"),
    }
    return frame


def _crosses_tenants() -> bool:
    """Whether the page is of every tenant, or of none, whichever one is chosen."""
    endpoint = request.endpoint or ""
    return endpoint in TENANTLESS_ENDPOINTS or endpoint.partition(".")[0] in TENANTLESS_VIEWS


def _menu(entries: tuple[_Entry, ...], *, in_tenant: bool) -> tuple[MenuItem, ...]:
    here = (request.endpoint or "").partition(".")[0]
    return tuple(
        MenuItem(entry.label, address_of(entry.endpoint), entry.icon, here in entry.views)
        for entry in _allowed(entries)
        if in_tenant or entry.views[0] in TENANTLESS_VIEWS
    )


def _user_menu() -> tuple[tuple[str, str], ...]:
    return tuple((entry.label, address_of(entry.endpoint)) for entry in _allowed(USER_MENU))


def _allowed(entries: tuple[_Entry, ...]) -> list[_Entry]:
    manager = current_app.extensions["appbuilder"].sm
    return [entry for entry in entries if manager.has_access(*entry.right)]
