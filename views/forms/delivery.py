"""The fields of a UTM's delivery address, for the public forms and the API (§8.3)."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from wtforms import Form, SelectField
from wtforms.fields.choices import SelectChoice

from models.values.prefecture import PREFECTURES
from views.forms.fields import MaxLength, OneLine, PostcodeField, Required, TextField
from views.forms.phone import PhoneField, PhoneNumber


def prefecture_field() -> Any:
    """Return a required selection of the prefecture."""
    return SelectField(
        lazy_gettext("Prefecture"),
        [Required()],
        choices=[SelectChoice("", lazy_gettext("Please choose")), *PREFECTURES],
        invalid_choice_message=lazy_gettext("Choose one of these."),
    )


def phone_field() -> Any:
    """Return a required phone number."""
    return PhoneField(
        lazy_gettext("Phone number"),
        [Required(), PhoneNumber()],
        description=lazy_gettext("Up to 15 digits, with or without hyphens."),
        render_kw={"inputmode": "tel"},
    )


class DeliveryAddressForm(Form):
    """Who receives UTMs, and where."""

    company = TextField(lazy_gettext("Company name"), [Required(), MaxLength(40), OneLine()])
    last_name = TextField(lazy_gettext("Family name"), [Required(), MaxLength(100), OneLine()])
    first_name = TextField(lazy_gettext("Given name"), [Required(), MaxLength(100), OneLine()])
    department = TextField(lazy_gettext("Department"), [MaxLength(40), OneLine()])
    phone = phone_field()
    postcode = PostcodeField()
    prefecture = prefecture_field()
    address = TextField(lazy_gettext("Address"), [Required(), MaxLength(100), OneLine()])
