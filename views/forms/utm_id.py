"""The field of a UTM ID."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext
from wtforms import Form
from wtforms.validators import ValidationError

from models.values.phone import plain_hyphens
from views.forms.fields import CodeField

_SEPARATORS = re.compile(r"[:.\-\s]")
_UTM_ID = re.compile(r"[0-9a-f]{12}")


def hex_digits(typed: str) -> str:
    """Return a MAC address, or a part of one, in any notation as a UTM ID is stored: in lower case, without separators."""
    return _SEPARATORS.sub("", plain_hyphens(typed)).lower()


class UtmIdField(CodeField):
    """A UTM ID: a MAC address in any notation, normalized to twelve lower-case hexadecimal digits."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = hex_digits(self.data or "")


class UtmId:
    """A validator of UTM IDs."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` for any other text."""
        if not _UTM_ID.fullmatch(field.data):
            raise ValidationError(gettext("Enter 12 characters of 0-9 and a-f: the WAN MAC address without colons."))
