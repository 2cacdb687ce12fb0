"""The forms for a user, a user's password and a user's membership."""

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
from views.forms.fields import EmailAddressField, MaxLength, OneLine, Required, TextField, ValidEmail
from views.screen.form import ScreenForm

NAMES = ("last_name", "first_name", "email", "active")
"""The fields that are columns of ``User``."""

_PASSWORD = {"autocomplete": "new-password"}
_NOTHING = ("", lazy_gettext("Please choose"))
_DIFFERENT = lazy_gettext("The two passwords differ.")


class Checkboxes(SelectMultipleField):
    """A multiple choice with a checkbox for each option."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class UserForm(ScreenForm):
    """A user's account data, and the roles held in every tenant."""

    last_name = TextField(lazy_gettext("Family name"), [Required(), MaxLength(user_rules.NAME_LENGTH), OneLine()])
    first_name = TextField(lazy_gettext("Given name"), [MaxLength(user_rules.NAME_LENGTH), OneLine()])
    email = EmailAddressField(
        lazy_gettext("Email address"),
        [Required(), ValidEmail()],
        description=lazy_gettext("The user signs in with this address."),
        render_kw={"autocomplete": "off"},
    )
    active = BooleanField(lazy_gettext("May sign in"), default=True)
    roles = Checkboxes(
        lazy_gettext("Roles in every tenant"),
        description=lazy_gettext("For NEC staff. A partner's role is assigned per tenant, on the user's page."),
    )

    def set_choices(self, roles: Iterable[Any]) -> None:
        """Set the roles that can be chosen."""
        self.roles.choices = [(role.name, role.name) for role in roles]

    def stored(self, row: Any) -> dict[str, Any]:
        """Return the values of the fields for a user."""
        return {name: getattr(row, name) for name in NAMES} | {"roles": sorted(role.name for role in row.roles)}


def _allowed(form: Form, field: Any) -> None:
    """Check a new password against the policy, and report all violations at once."""
    email, words = form.about_user()
    faults = password_policy.faults(field.data, email, words)
    field.errors.extend(gettext(fault) for fault in faults)
    if faults:
        raise StopValidation


class NewUserForm(UserForm):
    """A new user. If the password is empty, a link to set one is mailed."""

    password = PasswordField(
        lazy_gettext("Password"),
        [Optional(strip_whitespace=False), _allowed],
        description=lazy_gettext(
            "12 characters or more, with upper-case and lower-case letters, digits and symbols (%(symbols)s). Left empty,"
            " the user is mailed a link to set a password.",
            # Texts from lazy_gettext are treated as markup.
            symbols=escape(" ".join(password_policy.SYMBOLS)),
        ),
        render_kw=_PASSWORD,
    )
    confirmation = PasswordField(
        lazy_gettext("Password (confirmation)"), [EqualTo("password", _DIFFERENT)], render_kw=_PASSWORD
    )

    def about_user(self) -> tuple[str, list[str]]:
        """Return the email address and the names from the form, which the password must not be built from."""
        return self.email.data or "", [self.last_name.data or "", self.first_name.data or ""]


class PasswordForm(FlaskForm):
    """A new password for another user, and its confirmation.

    :param user: the user, whose address and names the password must not be built from.
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

    def __init__(self, *, user: Any) -> None:
        super().__init__()
        self._user = user

    def about_user(self) -> tuple[str, list[str]]:
        """Return the user's email address and names."""
        return self._user.email, password_policy.words_of(self._user)


class MembershipForm(FlaskForm):
    """A tenant and the role to hold there."""

    tenant = SelectField(lazy_gettext("Tenant"), [Required()])
    role = SelectField(lazy_gettext("Role"), [Required()])

    def set_choices(self, tenants: Iterable[Any], roles: Iterable[Any]) -> None:
        """Set the tenants and roles that can be chosen."""
        self.tenant.choices = [_NOTHING, *((each.id, f"{each.id} {each.name}") for each in tenants)]
        self.role.choices = [_NOTHING, *((role.name, role.name) for role in roles)]
