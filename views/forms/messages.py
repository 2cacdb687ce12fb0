"""The portal's translations of the validation messages of WTForms and Flask-AppBuilder.

WTForms' Japanese catalogue lacks some messages and calls a field フィールド. The messages are listed here so that they
get into the portal's catalogue; tests/conventions/test_messages.py checks WTForms for new ones.
"""

from __future__ import annotations

from typing import Any

from flask_babel import get_domain
from flask_wtf import FlaskForm

from models.errors import N_

FORM_MESSAGES = (
    N_("Invalid field name '%s'."),
    N_("Field must be equal to %(other_name)s."),
    N_("Field must be at least %(min)d character long."),
    N_("Field must be at least %(min)d characters long."),
    N_("Field cannot be longer than %(max)d character."),
    N_("Field cannot be longer than %(max)d characters."),
    N_("Field must be exactly %(max)d character long."),
    N_("Field must be exactly %(max)d characters long."),
    N_("Field must be between %(min)d and %(max)d characters long."),
    N_("Number must be at least %(min)s."),
    N_("Number must be at most %(max)s."),
    N_("Number must be between %(min)s and %(max)s."),
    N_("Date must be at least %(min)s."),
    N_("Date must be at most %(max)s."),
    N_("Date must be between %(min)s and %(max)s."),
    N_("Invalid input."),
    N_("Invalid email address."),
    N_("Invalid IP address."),
    N_("Invalid Mac address."),
    N_("Invalid URL."),
    N_("Invalid UUID."),
    N_("Invalid value, must be one of: %(values)s."),
    N_("Invalid value, can't be any of: %(values)s."),
    N_("This field cannot be edited."),
    N_("This field is disabled and cannot have a value."),
    N_("Invalid Choice: could not coerce."),
    N_("Choices cannot be None."),
    N_("Not a valid choice."),
    N_("Not a valid choice"),
    N_("Already exists."),
    N_("Invalid choice(s): one or more data inputs could not be coerced."),
    N_("'%(value)s' is not a valid choice for this field."),
    N_("'%(value)s' are not valid choices for this field."),
    N_("Not a valid datetime value."),
    N_("Not a valid date value."),
    N_("Not a valid time value."),
    N_("Not a valid week value."),
    N_("Not a valid integer value."),
    N_("Not a valid decimal value."),
    N_("Not a valid float value."),
    N_("File does not have an approved extension."),
    N_("File does not have an approved extension: {extensions}"),
)


class FormTranslations:
    """The portal's catalogue with the interface that WTForms expects."""

    def gettext(self, text: str) -> str:
        """Return a message in the language of the request."""
        found: str = get_domain().get_translations().ugettext(text)
        return found

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Return the singular or plural of a message; in Japanese they are the same."""
        return self.gettext(singular if number == 1 else plural)


def install() -> None:
    """Make all forms use the portal's catalogue."""
    words = FormTranslations()

    def get_translations(_meta: Any, _form: Any) -> FormTranslations:
        return words

    FlaskForm.Meta.get_translations = get_translations
