"""Every view and API of the portal, in one place."""

from __future__ import annotations

from flask import Flask, request

from views import transaction
from views.accounts.password_setup import PasswordSetupView
from views.accounts.permissions import PermissionNameView, RightView, ViewNameView
from views.accounts.roles import RoleView
from views.accounts.users import UserView
from views.alerts.alerts import AlertView
from views.api.bearer import caller_key
from views.api.customer_api import CustomerApi
from views.api.device_api import DeviceApi
from views.applications.extra_questions import ApplicationFieldView
from views.customers.customers import CustomerView
from views.languages import LanguageView
from views.mail.log import MailLogView
from views.mail.template_copy import MailTemplateCopyView
from views.mail.template_versions import MailTemplateVersionView
from views.mail.templates import MailTemplateView
from views.notifications.addresses import NotificationAddressView
from views.notifications.confirmation import AddressConfirmationView
from views.operations import health
from views.operations.jobs import JobBoardView
from views.tenants.api_tokens import PortalTokenView
from views.tenants.select import TenantView
from views.tenants.settings import TenantSettingsView
from views.utms.security import SecurityView
from views.utms.utms import UtmView

SCREENS = (
    LanguageView,
    PasswordSetupView,
    TenantView,
    CustomerView,
    UtmView,
    SecurityView,
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
    app.teardown_request(transaction.close_cross_tenant_sessions)
