"""The field of a phone number."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext
from wtforms import Form
from wtforms.validators import ValidationError

from models.values.phone import phone_digits
from views.arguments import only_digits
from views.forms.fields import CodeField

_LENGTH = 15
_MOBILE = re.compile(r"0[0-9]{9,10}")


class PhoneField(CodeField):
    """A phone number, stored without hyphens."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = phone_digits(self.data or "")


class PhoneNumber:
    """A validator of phone numbers: up to 15 digits."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` for any other text."""
        if not only_digits(field.data):
            raise ValidationError(gettext("Enter a phone number in digits."))
        if len(field.data) > _LENGTH:
            raise ValidationError(gettext("Enter %(most)s digits or fewer.", most=_LENGTH))


class MobileNumber:
    """A validator of mobile phone numbers, which may be empty."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` for any other text."""
        if field.data and not _MOBILE.fullmatch(field.data):
            raise ValidationError(gettext("Enter a mobile phone number of 10 or 11 digits that begins with 0."))
