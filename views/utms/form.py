"""The forms of a UTM: registration (§7.8) and change (§7.9)."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from flask_babel import gettext, lazy_gettext
from wtforms import Form
from wtforms.validators import ValidationError

from models.utms.rules import mac_refusal
from models.utms.utm import Utm
from views.forms.fields import (
    EmailAddressField,
    HyphenField,
    MaxLength,
    OneLine,
    PostcodeField,
    Required,
    TextField,
    ValidEmail,
)
from views.forms.mac_address import MacAddress, MacAddressField
from views.forms.postcode import PostcodeLookup
from views.forms.utm_id import UtmId, UtmIdField
from views.screen.form import ScreenForm

_SERIAL = re.compile(r"[A-Z0-9-]{15,30}")

EMAIL_GROUPS = {
    "customer": lazy_gettext("Notified (customer)"),
    "desk": lazy_gettext("Notified (service desk)"),
    "report": lazy_gettext("Monthly report: additional recipients"),
}
EMAIL_HINTS = {
    "customer": lazy_gettext("Important alerts are mailed to these addresses. The customer can change them too."),
    "desk": lazy_gettext("Important alerts are mailed to these addresses."),
    "report": lazy_gettext("The monthly report is sent to all three groups of addresses."),
}
_TYPED_AS_IS = {"autocomplete": "off", "spellcheck": "false"}
EMAILS = {group: [f"{group}_email{number}" for number in (1, 2, 3)] for group in EMAIL_GROUPS}


def _is_serial(_form: Form, field: Any) -> None:
    if not _SERIAL.fullmatch(field.data):
        raise ValidationError(gettext("Enter 15 to 30 characters of A-Z, 0-9 and hyphens."))


class SerialField(HyphenField):
    """A serial number, normalized to upper case."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = (self.data or "").upper()


class UtmForm(PostcodeLookup, ScreenForm):
    """基本情報 of a UTM; the nine email address fields are added below."""

    utm_id: Any = UtmIdField(
        lazy_gettext("UTM ID"),
        [Required(), UtmId()],
        description=lazy_gettext(
            "The MAC address WAN on the bottom of the UTM, of 12 characters. Any notation is accepted, with or without colons."
        ),
        render_kw=_TYPED_AS_IS,
    )
    name = TextField(
        lazy_gettext("UTM name"),
        [Required(), MaxLength(50), OneLine()],
        description=lazy_gettext("The customer can change it too."),
    )
    serial: Any = SerialField(
        lazy_gettext("Serial number"),
        [Required(), _is_serial],
        description=lazy_gettext("15 to 30 characters, as written on the bottom of the UTM."),
        render_kw=_TYPED_AS_IS,
    )
    postcode = PostcodeField()
    address = TextField(
        lazy_gettext("Address"),
        [Required(), MaxLength(104), OneLine()],
        description=lazy_gettext(
            "An address filled in from the postcode may lack the house number. Please complete it."
        ),
    )
    delivery_status = TextField(
        lazy_gettext("Delivery status"),
        [Required(), MaxLength(104), OneLine()],
        description=lazy_gettext("Example: received. The customer does not see it."),
    )

    fieldsets: ClassVar = (
        (
            lazy_gettext("Basic information"),
            {"fields": ["utm_id", "name", "serial", "postcode", "address", "delivery_status"]},
        ),
        *((title, {"fields": EMAILS[group], "hint": EMAIL_HINTS[group]}) for group, title in EMAIL_GROUPS.items()),
    )
    beside_fields: ClassVar = {**PostcodeLookup.beside_fields, "serial": "screen/_applied_addresses.html"}
    widths: ClassVar = {
        **dict.fromkeys(("utm_id", "name", "serial", "postcode"), "col-12 col-md-6"),
        **dict.fromkeys((name for names in EMAILS.values() for name in names), "col-12 col-md-4"),
    }


for _names in EMAILS.values():
    for _number, _name in enumerate(_names, start=1):
        _label = lazy_gettext("Email address %(number)s", number=_number)
        setattr(UtmForm, _name, EmailAddressField(_label, [ValidEmail()], render_kw={"autocomplete": "off"}))


class UtmChangeForm(UtmForm):
    """What can be changed of a UTM: all but its UTM ID and serial number, and its MAC address until it was entered."""

    utm: Utm
    utm_id: Any = None
    serial: Any = None
    mac_address = MacAddressField(
        lazy_gettext("MAC address"),
        [MaxLength(17), MacAddress()],
        description=lazy_gettext(
            "The MAC address WAN on the bottom of the UTM, such as A0:B1:C2:D3:E4:F5. It can be entered once."
        ),
        render_kw=_TYPED_AS_IS,
    )

    fieldsets: ClassVar = (
        (
            lazy_gettext("Basic information"),
            {"fields": ["mac_address", "name", "postcode", "address", "delivery_status"]},
        ),
        *UtmForm.fieldsets[1:],
    )
    beside_fields: ClassVar = dict(PostcodeLookup.beside_fields)
    widths: ClassVar = {**UtmForm.widths, "mac_address": "col-12 col-md-6"}

    @classmethod
    def of(cls, utm: Utm) -> UtmChangeForm:
        """Return the form for a UTM, with its values or the submitted ones."""
        form = cls(data=cls().stored(utm))
        form.utm = utm
        if utm.mac_address is not None:
            del form.mac_address
        return form

    def validate_mac_address(self, field: Any) -> None:
        """Raise ``ValidationError`` for a MAC address that is not that of the UTM ID."""
        if not field.errors and (refusal := mac_refusal(self.utm, field.data)):
            raise ValidationError(gettext(refusal))
