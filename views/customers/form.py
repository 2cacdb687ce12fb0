"""The form of a customer (§7.2, §7.3)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Form, HiddenField, SelectField
from wtforms.validators import ValidationError

from models.values.phone import phone_digits
from models.values.prefecture import PREFECTURES
from views.forms.fields import (
    AddressField,
    AtMost,
    CodeField,
    MemoField,
    Needed,
    OneLine,
    Postcode,
    PostcodeField,
    TextField,
    ValidAddress,
    VersionField,
)

_PHONE_LENGTH = 15


class PhoneField(CodeField):
    """A phone number, kept without its hyphens."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = phone_digits(self.data or "")


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
    postcode = PostcodeField(lazy_gettext("Postcode"), [Needed(), Postcode()])
    prefecture = SelectField(
        lazy_gettext("Prefecture"),
        [Needed()],
        choices=["", *PREFECTURES],
    )
    address = TextField(lazy_gettext("Address"), [Needed(), AtMost(100), OneLine()])
    contact_phone = PhoneField(lazy_gettext("Phone number"), [Needed(), _digits])
    version = VersionField()
    # What tells a field that somebody else changed from one that only this person did.
    shown = HiddenField()

    def values(self) -> dict[str, Any]:
        """The fields in the form in which they are stored."""
        hidden = {"csrf_token", "version", "shown"}
        return {name: field.data for name, field in self._fields.items() if name not in hidden}

    def show(self, stored: Any) -> None:
        """Note which customer the person has before them now."""
        self.version.data = str(stored.version)
        self.shown.data = " ".join(self._fingerprints(stored))

    def differences(self, stored: Any) -> list[dict[str, str]]:
        """Where another saved something else than was shown and than is typed: the label and both values."""
        shown = (self.shown.data or "").split()
        return [
            {"label": str(self[name].label.text), "stored": str(getattr(stored, name)), "typed": str(typed)}
            for (name, typed), saved in zip(self.values().items(), self._fingerprints(stored), strict=True)
            if saved not in shown and getattr(stored, name) != typed
        ]

    def _fingerprints(self, stored: Any) -> list[str]:
        texts = [f"{name}={getattr(stored, name)}" for name in self.values()]
        return [sha256(text.encode()).hexdigest()[:16] for text in texts]
