"""The form of a customer (§7.2, §7.3)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Form, HiddenField, SelectField, TextAreaField
from wtforms.validators import ValidationError

from models.prefecture import PREFECTURES
from views.fields import AddressField, AtMost, CodeField, Needed, OneLine, Postcode, TextField, ValidAddress, trimmed

_PHONE_LENGTH = 15


class MemoField(TextAreaField):
    """Some lines of text."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = trimmed(self.data)


class PhoneField(CodeField):
    """A phone number, kept without its hyphens."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = (self.data or "").replace("-", "")


def _digits(_form: Form, field: Any) -> None:
    if not (field.data.isascii() and field.data.isdecimal()):
        raise ValidationError(gettext("Enter a phone number in digits."))
    if len(field.data) > _PHONE_LENGTH:
        raise ValidationError(gettext("Enter %(most)s digits or fewer.", most=_PHONE_LENGTH))


class CustomerForm(FlaskForm):
    """A customer and the person to talk to there."""

    name = TextField(lazy_gettext("Company name"), [Needed(), AtMost(40), OneLine()])
    memo1 = MemoField(lazy_gettext("Memo 1"), [AtMost(255)])
    memo2 = MemoField(lazy_gettext("Memo 2"), [AtMost(255)])
    memo3 = MemoField(lazy_gettext("Memo 3"), [AtMost(255)])
    contact_last_name = TextField(lazy_gettext("Family name"), [Needed(), AtMost(100), OneLine()])
    contact_first_name = TextField(lazy_gettext("Given name"), [Needed(), AtMost(100), OneLine()])
    contact_department = TextField(lazy_gettext("Department"), [AtMost(40), OneLine()])
    contact_title = TextField(lazy_gettext("Job title"), [AtMost(255), OneLine()])
    contact_email = AddressField(lazy_gettext("Email address"), [Needed(), ValidAddress()])
    postcode = CodeField(lazy_gettext("Postcode"), [Needed(), Postcode()])
    prefecture = SelectField(
        lazy_gettext("Prefecture"),
        [Needed()],
        choices=["", *PREFECTURES],
    )
    address = TextField(lazy_gettext("Address"), [Needed(), AtMost(100), OneLine()])
    contact_phone = PhoneField(lazy_gettext("Phone number"), [Needed(), _digits])
    # The version the person had before them: two people editing are told of each other.
    version = HiddenField()

    def values(self) -> dict[str, Any]:
        """The fields in the form in which they are stored."""
        return {name: field.data for name, field in self._fields.items() if name not in {"csrf_token", "version"}}

    def shown_version(self) -> int:
        """The version the person had before them; -1, which no row has, when it is nonsense."""
        # A number when the form was sent without it, and so filled from the customer.
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else -1

    def differences(self, stored: Any) -> list[dict[str, str]]:
        """Where what is typed differs from what is stored: the label and both values."""
        return [
            {"label": str(field.label.text), "stored": str(getattr(stored, name)), "typed": str(field.data)}
            for name, field in self._fields.items()
            if name in self.values() and getattr(stored, name) != field.data
        ]
