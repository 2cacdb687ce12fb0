"""The field of a MAC address."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from wtforms import Form
from wtforms.validators import ValidationError

from models.values.mac_address import mac_address
from views.forms.fields import CodeField


class MacAddressField(CodeField):
    """A MAC address in any notation, normalized to upper case with colons; None if none is given."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        found = mac_address(self.data or "")
        self.data = found.upper() if found else self.data or None


class MacAddress:
    """A validator of MAC addresses; an empty field is valid."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` for any other text."""
        if field.data is not None and mac_address(field.data) is None:
            raise ValidationError(gettext("Enter 17 characters: 12 of 0-9 and A-F, in pairs with colons."))
