"""The forms of two-factor authentication. Each asks for the current password."""

from __future__ import annotations

from typing import Any

from flask import current_app, g
from flask_babel import lazy_gettext
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired

from models import clock
from models.accounts.passkey import NAME_LENGTH
from models.accounts.second_factor import Confirmation, NotConfirmedError
from models.accounts.sign_in_rules import Locking
from models.errors import DomainError
from views.accounts.new_password_form import CurrentPasswordForm
from views.accounts.second_step import CODE_LENGTH
from views.base import actor
from views.forms.errors import add_error
from views.forms.fields import MaxLength, OneLine, Required, TextField
from views.transaction import commit_despite_error_status


class CodeForm(CurrentPasswordForm):
    """The current password and a code."""

    code = StringField(
        lazy_gettext("Code"),
        [InputRequired(lazy_gettext("Enter the code.")), MaxLength(CODE_LENGTH)],
        render_kw={"autocomplete": "one-time-code"},
    )


class NewPasskeyForm(CurrentPasswordForm):
    """The name of a new passkey, and the browser's response, which a script enters."""

    name = TextField(lazy_gettext("Name"), [Required(), MaxLength(NAME_LENGTH), OneLine()])
    passkey = HiddenField()


def confirmation(form: Any) -> Confirmation:
    """Return what the user confirms a change with."""
    settings = current_app.config
    return Confirmation(
        password=form.current_password.data,
        locking=Locking(settings["LOCK_AFTER_FAILURES"], settings["LOCK_FOR"], settings["PORTAL_URL"]),
        now=clock.utc_now(),
        by=actor(g.identity.user),
        code=form.code.data if "code" in form else None,
    )


def show_refusal(form: Any, error: DomainError, page: str) -> None:
    """Add the reason why a change was refused to its form; a wrong password or code stays counted.

    :param page: where the same form leads when it is submitted again.
    """
    if isinstance(error, NotConfirmedError):
        commit_despite_error_status(repeated=page)
    add_error(form, error)
