"""The field of a UTM ID."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext
from wtforms import Form
from wtforms.validators import ValidationError

from models.values.mac_address import mac_digits
from views.forms.fields import CodeField

_UTM_ID = re.compile(r"[0-9a-f]{12}")


class UtmIdField(CodeField):
    """A UTM ID: a MAC address in any notation, normalized to twelve lower-case hexadecimal digits."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = mac_digits(self.data or "")


class UtmId:
    """A validator of UTM IDs."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` for any other text."""
        if not _UTM_ID.fullmatch(field.data):
            raise ValidationError(gettext("Enter the WAN MAC address: 12 characters of 0-9 and A-F."))
