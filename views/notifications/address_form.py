"""The form of a tenant's notification addresses (§5.4.2)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Form
from wtforms.validators import ValidationError

from models.notifications.address import SLOTS, AddressStatus, Slot, clean
from views.forms.fields import EmailAddressField, Required, ValidEmail, VersionField
from views.screen.conflict import Difference, differing


class NotificationField(EmailAddressField):
    """A field for a notification address."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input for storage."""
        super().process_formdata(valuelist)
        self.data = clean(self.data or "")


class RepeatedAddress:
    """A validator that requires the same address as in another field, if the address there is new."""

    field_flags = {"required": True}

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, form: Form, field: Any) -> None:
        """Raise ``ValidationError`` if the addresses differ. An invalid address need not be repeated."""
        first = form[f"address{self.number}"]
        if first.errors or not form.needs_repetition(self.number):
            return
        if not field.data:
            raise ValidationError(gettext("Enter the same address again to avoid typing errors."))
        if field.data != first.data:
            raise ValidationError(gettext("The two addresses differ."))


class NotificationForm(FlaskForm):
    """The form with three addresses, each of which has to be repeated if it is new."""

    address1 = NotificationField(lazy_gettext("Email address"), [Required(), ValidEmail()])
    again1 = NotificationField(lazy_gettext("Email address (confirmation)"), [RepeatedAddress(1)])
    address2 = NotificationField(lazy_gettext("Email address 2"), [ValidEmail()])
    again2 = NotificationField(lazy_gettext("Email address 2 (confirmation)"), [RepeatedAddress(2)])
    address3 = NotificationField(lazy_gettext("Email address 3"), [ValidEmail()])
    again3 = NotificationField(lazy_gettext("Email address 3 (confirmation)"), [RepeatedAddress(3)])
    version = VersionField()

    def __init__(self, status: AddressStatus) -> None:
        self.status = status
        super().__init__(
            data={f"address{slot.number}": slot.set_to for slot in status.slots} | {"version": str(status.version)}
        )

    def typed(self) -> list[str]:
        """Return the typed addresses, one per slot; empty for none."""
        return [self[f"address{number}"].data or "" for number in SLOTS]

    def known(self, number: int) -> list[str]:
        """Return the addresses that need no repetition in a slot: the one it is set to, and the confirmed one."""
        slot = self._slot(number)
        return [address for address in dict.fromkeys((slot.set_to, slot.address)) if address]

    def needs_repetition(self, number: int) -> bool:
        """Return whether the address typed for a slot has to be repeated."""
        return bool(self.typed()[number - 1]) and self.typed()[number - 1] not in self.known(number)

    def differences(self) -> list[Difference]:
        """Return the differences between the typed addresses and those that the slots are set to."""
        return differing(
            (self[f"address{slot.number}"].label.text, slot.set_to, typed)
            for slot, typed in zip(self.status.slots, self.typed(), strict=True)
        )

    def _slot(self, number: int) -> Slot:
        return self.status.slots[number - 1]
