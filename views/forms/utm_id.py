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


class UtmIdField(CodeField):
    """A UTM ID: a MAC address in any notation, kept as twelve lower-case digits."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = _SEPARATORS.sub("", plain_hyphens(self.data or "")).lower()


class UtmId:
    """A UTM ID."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Refuse other texts."""
        if not _UTM_ID.fullmatch(field.data):
            raise ValidationError(gettext("Enter 12 characters of 0-9 and a-f: the WAN MAC address without colons."))
