"""The forms for a user and a user's membership.

Neither sets a password: each user chooses one, by a mailed link.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from models.accounts import role, user_rules
from views.forms.fields import EmailAddressField, MaxLength, OneLine, Required, TextField, ValidEmail
from views.screen.form import ScreenForm

NAMES = ("last_name", "first_name", "email", "active")
"""The fields that are columns of ``User``."""

_NOTHING = ("", lazy_gettext("Please choose"))


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


class MembershipForm(FlaskForm):
    """A tenant and the role to hold there."""

    tenant = SelectField(lazy_gettext("Tenant"), [Required()])
    role = SelectField(lazy_gettext("Role"), [Required()])

    def set_choices(self, tenants: Iterable[Any], roles: Iterable[Any]) -> None:
        """Set the tenants and roles that can be chosen."""
        self.tenant.choices = [_NOTHING, *((each.id, f"{each.id} {each.name}") for each in tenants)]
        self.role.choices = [_NOTHING, *((each.name, role.name_with_tenant(each)) for each in roles)]
