"""The fields of a user's profile: at the registration (§2.2) and on the profile page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField
from wtforms.validators import EqualTo, InputRequired, Optional

from models.accounts import password_policy
from models.accounts.profile import NAME_LENGTH, NOTE_LENGTH, Profile, clean_name
from views.arguments import whole_number
from views.forms.fields import MaxLength, MemoField, OneLine, Required, TextField
from views.forms.phone import PhoneField, PhoneNumber
from views.screen.form import ScreenForm

_LARGEST_ENTRY = 2**31 - 1


class UserNameField(TextField):
    """A user name: family name and given name, with one blank between them."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = clean_name(self.data or "")


# Before the other form: the fields of a form with both are listed in the order of definition.
class FirstPasswordForm(FlaskForm):
    """The password of a new user, twice."""

    password = PasswordField(
        lazy_gettext("Password"),
        [InputRequired(lazy_gettext("Enter the password."))],
        render_kw={"autocomplete": "new-password"},
    )
    confirmation = PasswordField(
        lazy_gettext("Password (confirmation)"),
        [
            InputRequired(lazy_gettext("Enter the same password again.")),
            EqualTo("password", lazy_gettext("The two passwords differ.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )


class ProfileForm(ScreenForm):
    """The profile of a user."""

    name = UserNameField(
        lazy_gettext("User name"),
        [Required(), MaxLength(NAME_LENGTH), OneLine()],
        description=lazy_gettext("Your family name and given name, with a blank between them."),
        render_kw={"autocomplete": "name"},
    )
    company = TextField(
        lazy_gettext("Company name"),
        [MaxLength(NAME_LENGTH), OneLine()],
        render_kw={"autocomplete": "organization"},
    )
    department = TextField(
        lazy_gettext("Department name"), [MaxLength(NAME_LENGTH), OneLine()], render_kw={"autocomplete": "off"}
    )
    phone = PhoneField(
        lazy_gettext("Phone number"),
        [Optional(), PhoneNumber()],
        description=lazy_gettext("Up to 15 digits, with or without hyphens."),
        render_kw={"inputmode": "tel", "autocomplete": "tel"},
    )
    note = MemoField(lazy_gettext("Remarks"), [MaxLength(NOTE_LENGTH)], render_kw={"rows": 3})

    def profile(self) -> Profile:
        """Return what was typed."""
        return Profile(**{name: self[name].data or "" for name in Profile._fields})


class RegistrationForm(FirstPasswordForm, ProfileForm):
    """The first step: the password and the profile."""

    def add_policy_errors(self, email: str, words: list[str]) -> bool:
        """Add the password's violations of the policy to its field, and return whether there are any."""
        faults = password_policy.faults(self.password.data, email, words)
        self.password.errors = [*self.password.errors, *(gettext(fault) for fault in faults)]
        return bool(faults)


class RegistrationCheckForm(ProfileForm):
    """The second step: the profile again, and the number of the entry that the password belongs to."""

    entry = HiddenField()

    @property
    def entry_number(self) -> int:
        """The number; -1, which no entry has, if it is missing or invalid."""
        number = whole_number(self.entry.data, most=_LARGEST_ENTRY)
        return -1 if number is None else number
