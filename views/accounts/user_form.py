"""The forms of a user, of a user's password and of a user's place in a tenant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from markupsafe import escape
from wtforms import BooleanField, Form, PasswordField, SelectField, SelectMultipleField
from wtforms.validators import EqualTo, InputRequired, Optional, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from models.accounts import password_policy, user_rules
from views.forms.fields import AddressField, AtMost, Needed, OneLine, TextField, ValidAddress
from views.screen.form import ScreenForm

NAMES = ("last_name", "first_name", "email", "active")
"""The fields that are columns of a user."""

_PASSWORD = {"autocomplete": "new-password"}
_NOTHING = ("", lazy_gettext("Please choose"))
_DIFFERENT = lazy_gettext("The two passwords differ.")


class Checkboxes(SelectMultipleField):
    """Any of some choices, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class UserForm(ScreenForm):
    """Who a user is and which roles they hold in every tenant."""

    last_name = TextField(lazy_gettext("Family name"), [Needed(), AtMost(user_rules.NAME_LENGTH), OneLine()])
    first_name = TextField(lazy_gettext("Given name"), [Needed(), AtMost(user_rules.NAME_LENGTH), OneLine()])
    email = AddressField(
        lazy_gettext("Email address"),
        [Needed(), ValidAddress()],
        description=lazy_gettext("The user signs in with it."),
        render_kw={"autocomplete": "off"},
    )
    active = BooleanField(lazy_gettext("May sign in"), default=True)
    roles = Checkboxes(
        lazy_gettext("Roles in every tenant"),
        description=lazy_gettext("For people of NEC. A partner's role is given per tenant, on the user's page."),
    )

    def offer(self, roles: Iterable[Any]) -> None:
        """Let these roles be chosen."""
        self.roles.choices = [(role.name, role.name) for role in roles]

    def stored(self, row: Any) -> dict[str, Any]:
        """Return what the fields hold for a user."""
        return {name: getattr(row, name) for name in NAMES} | {"roles": sorted(role.name for role in row.roles)}


def _allowed(form: Form, field: Any) -> None:
    """Tell everything that is wrong with a new password at once."""
    email = form.email.data if "email" in form else form.address
    faults = password_policy.faults(field.data, email or "")
    field.errors.extend(gettext(fault) for fault in faults)
    if faults:
        raise StopValidation


class NewUserForm(UserForm):
    """A new user. Without a password they get a link with which they set one."""

    password = PasswordField(
        lazy_gettext("Password"),
        [Optional(strip_whitespace=False), _allowed],
        description=lazy_gettext(
            "12 characters or more, with upper-case and lower-case letters, digits and symbols (%(symbols)s). Left empty,"
            " you get a link to hand over, with which the user sets a password.",
            # What lazy_gettext gives counts as markup.
            symbols=escape(" ".join(password_policy.SYMBOLS)),
        ),
        render_kw=_PASSWORD,
    )
    confirmation = PasswordField(
        lazy_gettext("Password (confirmation)"), [EqualTo("password", _DIFFERENT)], render_kw=_PASSWORD
    )


class PasswordForm(FlaskForm):
    """A new password for somebody else, twice.

    :param address: the user's e-mail address, which the password must not be.
    """

    password = PasswordField(
        lazy_gettext("New password"),
        [InputRequired(lazy_gettext("Enter the password.")), _allowed],
        render_kw=_PASSWORD,
    )
    confirmation = PasswordField(
        lazy_gettext("New password (confirmation)"),
        [InputRequired(lazy_gettext("Enter the same password again.")), EqualTo("password", _DIFFERENT)],
        render_kw=_PASSWORD,
    )

    def __init__(self, *, address: str) -> None:
        super().__init__()
        self.address = address


class MembershipForm(FlaskForm):
    """A tenant and the role held there."""

    tenant = SelectField(lazy_gettext("Tenant"), [Needed()])
    role = SelectField(lazy_gettext("Role"), [Needed()])

    def offer(self, tenants: Iterable[Any], roles: Iterable[Any]) -> None:
        """Let these tenants and roles be chosen."""
        self.tenant.choices = [_NOTHING, *((each.id, f"{each.id} {each.name}") for each in tenants)]
        self.role.choices = [_NOTHING, *((role.name, role.name) for role in roles)]
