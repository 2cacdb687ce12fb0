"""The customer form (§7.2, §7.3)."""

from __future__ import annotations

from typing import ClassVar

from flask_babel import lazy_gettext
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from models.values.prefecture import PREFECTURES
from views.forms.fields import (
    EmailAddressField,
    MaxLength,
    MemoField,
    OneLine,
    PostcodeField,
    Required,
    TextField,
    ValidEmail,
)
from views.forms.phone import PhoneField, PhoneNumber
from views.forms.postcode import PostcodeLookup
from views.screen.form import ScreenForm


class CustomerForm(PostcodeLookup, ScreenForm):
    """A customer and its contact person."""

    name = TextField(
        lazy_gettext("Company name"),
        [Required(), MaxLength(40), OneLine()],
    )
    memo1 = MemoField(
        lazy_gettext("Memo 1"),
        [MaxLength(255)],
        description=lazy_gettext("The customer does not see memos."),
        render_kw={"rows": 3},
    )
    memo2 = MemoField(lazy_gettext("Memo 2"), [MaxLength(255)], render_kw={"rows": 3})
    memo3 = MemoField(lazy_gettext("Memo 3"), [MaxLength(255)], render_kw={"rows": 3})
    contact_last_name = TextField(lazy_gettext("Family name"), [Required(), MaxLength(100), OneLine()])
    contact_first_name = TextField(lazy_gettext("Given name"), [Required(), MaxLength(100), OneLine()])
    contact_department = TextField(lazy_gettext("Department"), [MaxLength(40), OneLine()])
    contact_title = TextField(lazy_gettext("Job title"), [MaxLength(255), OneLine()])
    contact_email = EmailAddressField(
        lazy_gettext("Email address"), [Required(), ValidEmail()], render_kw={"autocomplete": "off"}
    )
    postcode = PostcodeField()
    prefecture = SelectField(
        lazy_gettext("Prefecture"),
        [Required()],
        choices=[SelectChoice("", lazy_gettext("Please choose")), *PREFECTURES],
    )
    address = TextField(
        lazy_gettext("Address"),
        [Required(), MaxLength(100), OneLine()],
        description=lazy_gettext(
            "An address filled in from the postcode may lack the house number. Please complete it."
        ),
    )
    contact_phone = PhoneField(
        lazy_gettext("Phone number"),
        [Required(), PhoneNumber()],
        description=lazy_gettext("Up to 15 digits, with or without hyphens."),
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )

    fieldsets: ClassVar = (
        (lazy_gettext("Basic information and contact"), {"fields": ["name", "memo1"], "more": ["memo2", "memo3"]}),
        (
            lazy_gettext("Contact person"),
            {
                "fields": [
                    *("contact_last_name", "contact_first_name", "contact_department", "contact_title"),
                    *("contact_email", "postcode", "prefecture", "address", "contact_phone"),
                ]
            },
        ),
    )
    widths: ClassVar = {
        "contact_last_name": "col-12 col-md-6",
        "contact_first_name": "col-12 col-md-6",
        "contact_department": "col-12 col-md-6",
        "contact_title": "col-12 col-md-6",
        "postcode": "col-12 col-md-6",
        "prefecture": "col-12 col-md-4",
        "address": "col-12 col-md-8",
        "contact_phone": "col-12 col-md-6",
    }
