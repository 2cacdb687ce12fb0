"""Every view and API of the portal, in one place."""

from __future__ import annotations

from flask import Flask

from views import health
from views.alerts import AlertView
from views.customers import CustomerView
from views.device_api import DeviceApi, sender_key
from views.job_board import JobBoardView
from views.languages import LanguageView
from views.mail_log import MailLogView
from views.password_setup import PasswordSetupView
from views.tenants import TenantView
from views.utms import UtmView


def init_app(app: Flask) -> None:
    """Register the views with FAB, and what has no screen with Flask."""
    with app.app_context():
        builder = app.extensions["appbuilder"]
        for view in (TenantView, CustomerView, UtmView, AlertView, PasswordSetupView, LanguageView):
            builder.add_view_no_menu(view)
        for view in (MailLogView, JobBoardView):
            builder.add_view_no_menu(view)
        device_api = builder.add_api(DeviceApi)
        limiter = builder.sm.limiter
        limiter.limit(app.config["SIGN_IN_RATE_LIMIT"], methods=["POST"])(builder.sm.auth_view.blueprint)
        limiter.limit(app.config["DEVICE_RATE_LIMIT"], key_func=sender_key)(device_api.blueprint)
    app.register_blueprint(health.blueprint)
