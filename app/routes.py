"""Every view and API of the portal, in one place."""

from __future__ import annotations

from flask import Flask, request

from views import health
from views.address_confirmation import AddressConfirmationView
from views.alerts import AlertView
from views.application_fields import ApplicationFieldView
from views.bearer import caller_key
from views.customer_api import CustomerApi
from views.customers import CustomerView
from views.device_api import DeviceApi
from views.job_board import JobBoardView
from views.languages import LanguageView
from views.mail_log import MailLogView
from views.mail_template_copy import MailTemplateCopyView
from views.mail_template_versions import MailTemplateVersionView
from views.mail_templates import MailTemplateView
from views.notification_addresses import NotificationAddressView
from views.password_setup import PasswordSetupView
from views.portal_tokens import PortalTokenView
from views.rights import PermissionNameView, RightView, ViewNameView
from views.roles import RoleView
from views.tenant_settings import TenantSettingsView
from views.tenants import TenantView
from views.users import UserView
from views.utms import UtmView

SCREENS = (
    LanguageView,
    PasswordSetupView,
    TenantView,
    CustomerView,
    UtmView,
    AlertView,
    TenantSettingsView,
    PortalTokenView,
    ApplicationFieldView,
    NotificationAddressView,
    MailTemplateView,
    MailTemplateVersionView,
    MailTemplateCopyView,
    MailLogView,
    JobBoardView,
    UserView,
    RoleView,
    RightView,
    PermissionNameView,
    ViewNameView,
)
"""Every screen that needs nothing more than its address; the others are below."""


def init_app(app: Flask) -> None:
    """Register the views with FAB, and what has no screen with Flask."""
    with app.app_context():
        builder = app.extensions["appbuilder"]
        for view in SCREENS:
            builder.add_view_no_menu(view)
        confirmation = builder.add_view_no_menu(AddressConfirmationView)
        device_api, customer_api = builder.add_api(DeviceApi), builder.add_api(CustomerApi)
        limiter = builder.sm.limiter
        limiter.limit(app.config["SIGN_IN_RATE_LIMIT"], methods=["POST"])(builder.sm.auth_view.blueprint)
        limiter.limit(app.config["LINK_RATE_LIMIT"])(confirmation.blueprint)
        limiter.limit(app.config["DEVICE_RATE_LIMIT"], key_func=caller_key)(device_api.blueprint)
        limiter.limit(app.config["CUSTOMER_API_RATE_LIMIT"], key_func=caller_key)(customer_api.blueprint)
        limited = {each.blueprint.name for each in (builder.sm.auth_view, confirmation, device_api, customer_api)}
        # The limiter would look through all it knows for each page.
        limiter.request_filter(lambda: request.blueprint not in limited)
    app.register_blueprint(health.blueprint)
