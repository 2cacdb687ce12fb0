"""ユーザ管理 of a customer (§7.4.4): the people who sign in to the customers' portal."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g
from flask_babel import lazy_gettext

from models import clock
from models.db import db
from models.errors import N_
from models.portal_users import rules
from models.portal_users.portal_user import PortalUser, SignUpState
from models.portal_users.rules import PortalUserChange
from views.base import actor
from views.customers.customers import CustomerView
from views.customers.tabs import customer_tabs
from views.data_interface import PortalInterface
from views.forms.fields import EmailAddressField, MaxLength, OneLine, Required, TextField, ValidEmail
from views.forms.phone import MobileNumber, PhoneField
from views.portal_users.links import portal_user_url
from views.screen import formats
from views.screen.actions import action
from views.screen.form import ScreenForm
from views.screen.labels import Labels
from views.screen.navigation import Parent
from views.screen.screen import Screen

SIGN_UP_LABELS = {
    SignUpState.OPEN: lazy_gettext("Sign-up open"),
    SignUpState.EXPIRED: lazy_gettext("Sign-up expired"),
    SignUpState.DONE: lazy_gettext("Signed up"),
}


class PortalUserForm(ScreenForm):
    """A user of the customers' portal."""

    last_name = TextField(lazy_gettext("Family name"), [Required(), MaxLength(256), OneLine()])
    first_name = TextField(lazy_gettext("Given name"), [Required(), MaxLength(256), OneLine()])
    email = EmailAddressField(
        lazy_gettext("Email address"), [Required(), ValidEmail()], render_kw={"autocomplete": "off"}
    )
    mobile = PhoneField(
        lazy_gettext("Mobile phone number"),
        [MobileNumber()],
        description=lazy_gettext("For SMS. Up to 11 digits, with or without hyphens. Example: 09000000000"),
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )

    widths: ClassVar = {"last_name": "col-12 col-md-6", "first_name": "col-12 col-md-6"}


class PortalUserView(Screen):
    """The portal users of one customer."""

    datamodel = PortalInterface(PortalUser)
    labels = Labels(
        lazy_gettext("user"),
        lazy_gettext("User management"),
        "users",
        {
            "add_title": N_("Create portal user"),
            "edit_title": N_("Edit portal user"),
            "edit_button": N_("Edit"),
            "edit_name": N_("Edit %(name)s"),
            "ask_edit": N_("The user will be edited. Are you sure?"),
            "changed": N_("The user has been edited."),
            "empty_hint": N_("They get a mail with a link to sign up to the customers' portal."),
        },
    )
    form = PortalUserForm
    methods = frozenset({"list", "add", "edit", "delete"})
    route_base = "/customers/<string:customer_id>/users"
    row_rule = "<string:portal_user_id>"
    class_permission_name = "PortalUsers"
    parent = Parent(CustomerView, "customer_id")
    trash = "deleted_at"
    unique_errors = rules.UNIQUE_ERRORS
    base_order = ("id", "asc")
    list_columns: ClassVar = ["id", "name", "email", "mobile", "sign_up", "last_sign_in_at"]
    order_columns: ClassVar = ["id", "email", "last_sign_in_at"]
    label_columns: ClassVar = {
        "id": lazy_gettext("User ID"),
        "name": lazy_gettext("Full name"),
        "sign_up": lazy_gettext("Sign-up"),
        "last_sign_in_at": lazy_gettext("Last sign-in"),
        # Of the change history and the operation log.
        "customer_id": lazy_gettext("Company ID"),
        "sign_up_until": lazy_gettext("Sign-up until"),
        "signed_up_at": lazy_gettext("Sign-up completed at"),
        "first_sign_in_at": lazy_gettext("First sign-in"),
        "deleted_at": lazy_gettext("Deleted at"),
    }
    formatters_columns: ClassVar = {
        "id": formats.CODE,
        "name": formats.TEXT,
        "email": formats.MAIL_LINK,
        "mobile": formats.PHONE,
        "sign_up": formats.badge(SIGN_UP_LABELS, {SignUpState.DONE: "green", SignUpState.EXPIRED: "orange"}),
    }

    def tabs_of_list(self) -> list[dict[str, Any]]:
        """Return the tabs of the customer."""
        return customer_tabs(g.parent_row, "PortalUserView.list")

    def value(self, row: PortalUser, name: str) -> Any:
        """Return the value of a column for a user."""
        return row.sign_up_state(now=clock.utc_now()) if name == "sign_up" else super().value(row, name)

    def create(self, form: PortalUserForm) -> PortalUser:
        """Create a user and mail the sign-up link."""
        return rules.create(db.session(), g.parent_row, form.values(), request=_change())

    def change(self, row: PortalUser, form: PortalUserForm, *, version: int) -> None:
        """Change a user; a new email address before the sign-up gets a new link."""
        rules.change(db.session(), row, form.values(), version=version, request=_change())

    def remove(self, row: PortalUser) -> None:
        """Delete a user, and end the links mailed to it."""
        rules.delete(db.session(), row, now=clock.utc_now(), by=actor())

    def page_of(self, row: PortalUser) -> str:
        """Return the URL of the list: a user has no page of its own."""
        return self.cancel_url()

    @action(
        N_("Send again"),
        accessible_name=N_("Send the sign-up mail to %(name)s again"),
        title=N_("Send the sign-up mail again"),
        question=N_("A new sign-up mail will be sent to %(name)s. The previous link stops working. Are you sure?"),
        done=N_("The sign-up mail has been sent."),
        already=rules.SIGNED_UP_ALREADY,
        when=lambda user: user.signed_up_at is None,
    )
    def send_again(self, row: PortalUser) -> None:
        """Mail a new sign-up link, valid for another 7 days."""
        rules.send_again(db.session(), row, request=_change())

    @action(
        N_("Reset password"),
        accessible_name=N_("Reset the password of %(name)s"),
        title=N_("Password reset"),
        question=N_("A mail to reset the password will be sent to %(name)s. Are you sure?"),
        done=N_("The mail to reset the password has been sent."),
        already=rules.NOT_SIGNED_UP,
        when=lambda user: user.signed_up_at is not None,
    )
    def reset_password(self, row: PortalUser) -> None:
        """Mail a link to set a new password."""
        rules.reset_password(db.session(), row, request=_change())

    @action(
        N_("Reset by SMS"),
        accessible_name=N_("Reset the password of %(name)s by SMS"),
        title=N_("Password reset by SMS"),
        question=N_("An SMS to reset the password will be sent to %(name)s. Are you sure?"),
        done=N_("The SMS to reset the password has been sent."),
        already=rules.NO_MOBILE,
        when=lambda user: user.signed_up_at is not None and bool(user.mobile),
    )
    def reset_password_by_sms(self, row: PortalUser) -> None:
        """Send the link to set a new password to the mobile number."""
        rules.reset_password(db.session(), row, request=_change(), by_sms=True)


def _change() -> PortalUserChange:
    return PortalUserChange(clock.utc_now(), actor(), portal_user_url)
