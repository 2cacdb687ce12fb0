"""Every view and API of the portal, in one place."""

from __future__ import annotations

from flask import Flask

from views import health
from views.alerts import AlertView
from views.customers import CustomerView
from views.device_api import DeviceApi, sender_key
from views.languages import LanguageView
from views.password_setup import PasswordSetupView
from views.rights import PermissionNameView, RightView, ViewNameView
from views.roles import RoleView
from views.tenants import TenantView
from views.users import UserView
from views.utms import UtmView

SCREENS = (TenantView, CustomerView, UtmView, AlertView, PasswordSetupView, LanguageView)
ADMINISTRATION = (UserView, RoleView, RightView, PermissionNameView, ViewNameView)


def init_app(app: Flask) -> None:
    """Register the views with FAB, and what has no screen with Flask."""
    with app.app_context():
        builder = app.extensions["appbuilder"]
        for view in (*SCREENS, *ADMINISTRATION):
            builder.add_view_no_menu(view)
        device_api = builder.add_api(DeviceApi)
        limiter = builder.sm.limiter
        limiter.limit(app.config["SIGN_IN_RATE_LIMIT"], methods=["POST"])(builder.sm.auth_view.blueprint)
        limiter.limit(app.config["DEVICE_RATE_LIMIT"], key_func=sender_key)(device_api.blueprint)
    app.register_blueprint(health.blueprint)
