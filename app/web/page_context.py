"""The template context of the layout: menu, tenant, user."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Flask, g, has_request_context, request, url_for
from flask_babel import gettext
from flask_login import current_user

from app.web.access import is_tenantless, tenantless_views
from app.web.menu import allowed
from models import clock
from models.alerts.alert import ACTION_LABELS, LEVEL_LABELS
from views.accounts.required_factor import lacks_second_factor
from views.accounts.session_timeouts import warning
from views.alerts.rows import function_name
from views.languages import language_choice
from views.preferences import preferred
from views.register import Place
from views.search.search import search_field
from views.staff_entry import current_entry


class MenuItem(NamedTuple):
    """An entry of the side menu for the template.

    :ivar label: a message that the template translates.
    :ivar active: whether the current page belongs to the entry.
    """

    label: str
    url: str
    icon: str
    active: bool


def init_app(app: Flask) -> None:
    """Register the layout's context, and filters for times, security functions, actions and levels."""
    app.context_processor(lambda: {"portal": portal_frame()})
    app.jinja_env.filters["screen_time"] = clock.screen_time
    app.jinja_env.filters["function_label"] = function_name
    app.jinja_env.filters["action_label"] = lambda value: ACTION_LABELS.get(value, value)
    app.jinja_env.filters["level_label"] = lambda value: LEVEL_LABELS.get(value, value)


def portal_frame() -> dict[str, Any]:
    """Return the context of the layout; its parts are empty without a signed-in user."""
    frame: dict[str, Any] = {
        "menu": (),
        "staff_menu": (),
        "user": None,
        "tenant": None,
        "in_tenant": False,
        "tenants_url": None,
        "search": None,
        "user_menu": (),
        "account_links": (),
        "sign_out_url": None,
        "side_menu": None,
        "staff_entry": None,
        "session_end": None,
        "home_url": url_for("HomeView.index"),
        "now": clock.screen_time(clock.utc_now()),
    }
    frame |= language_choice()
    identity = g.get("identity") if has_request_context() else None
    if identity is None or not current_user.is_authenticated:
        return frame
    many = identity.elevated or identity.tenant_count > 1
    frame |= {
        "menu": _menu(Place.SIDE, in_tenant=identity.tenant is not None),
        "staff_menu": _menu(Place.STAFF, in_tenant=identity.tenant is not None),
        "user_menu": _user_menu() if identity.tenant else (),
        "user": {"name": identity.user.get_full_name(), "email": identity.user.email},
        "tenant": identity.tenant,
        "in_tenant": identity.tenant is not None and not is_tenantless(request.endpoint or ""),
        "tenants_url": url_for("TenantView.list") if many else None,
        "search": search_field() if identity.tenant else None,
        "account_links": _account_links(),
        "session_end": warning(),
        "sign_out_url": url_for("SignInView.logout"),
        "side_menu": preferred("menu"),
        "staff_entry": current_entry(identity),
        "leave_url": url_for("TenantView.leave"),
    }
    if lacks_second_factor(identity):
        # These pages are out of reach until the second factor is set up.
        frame |= {"menu": (), "staff_menu": (), "user_menu": (), "search": None, "tenants_url": None}
    return frame


def _menu(place: Place, *, in_tenant: bool) -> tuple[MenuItem, ...]:
    here = (request.endpoint or "").partition(".")[0]
    return tuple(
        MenuItem(entry.label, url_for(entry.endpoint), entry.icon, here in entry.own_views)
        for entry in allowed(place)
        if in_tenant or entry.own_views[0] in tenantless_views()
    )


def _account_links() -> tuple[tuple[str, str], ...]:
    """Return the links to the pages of the user's own account, which need no tenant."""
    return (
        (gettext("Profile"), url_for("ProfileView.edit")),
        (gettext("Change password"), url_for("PasswordChangeView.change")),
        (gettext("Two-factor authentication"), url_for("SecondFactorView.show")),
        (gettext("Sessions"), url_for("SessionView.list")),
    )


def _user_menu() -> tuple[tuple[str, str], ...]:
    return tuple((entry.label, url_for(entry.endpoint)) for entry in allowed(Place.USER))
