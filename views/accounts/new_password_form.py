"""The fields for a new password, for users who set their own."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from models.accounts import password_policy


# Before the other form: the errors of a form with both are listed in the order of definition.
class CurrentPasswordForm(FlaskForm):
    """The current password."""

    current_password = PasswordField(
        lazy_gettext("Current password"),
        [InputRequired(lazy_gettext("Enter the current password."))],
        render_kw={"autocomplete": "current-password"},
    )


class NewPasswordForm(FlaskForm):
    """A new password and its confirmation."""

    password = PasswordField(
        lazy_gettext("New password"),
        [InputRequired(lazy_gettext("Enter the password."))],
        render_kw={"autocomplete": "new-password"},
    )
    confirmation = PasswordField(
        lazy_gettext("New password (confirmation)"),
        [
            InputRequired(lazy_gettext("Enter the same password again.")),
            EqualTo("password", lazy_gettext("The two passwords differ.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )

    def add_policy_errors(self, user: Any) -> bool:
        """Add the password's violations of the policy to its field, and return whether there are any."""
        faults = password_policy.faults(self.password.data, user.email, password_policy.words_of(user))
        self.password.errors = [*self.password.errors, *(gettext(fault) for fault in faults)]
        return bool(faults)
