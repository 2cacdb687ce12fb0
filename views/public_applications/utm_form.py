"""The form with which a customer applies for more UTMs without an account (§8.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import gettext, lazy_gettext

from models.applications.utm_rules import UtmApplicationInput
from views.forms.fields import EmailAddressField, MaxLength, OneLine, Required, TextField, ValidEmail
from views.public_applications.public_form import PublicForm
from views.public_applications.rows import DeliveriesMixin


class UtmApplicationForm(DeliveriesMixin, PublicForm):
    """Who applies, and where the UTMs are to be sent."""

    applicant_name = TextField(lazy_gettext("Full name"), [Required(), MaxLength(256), OneLine()])
    applicant_email = EmailAddressField(lazy_gettext("Email address"), [Required(), ValidEmail()])

    def change_rows(self) -> bool:
        """Do what a button besides those of the steps does."""
        return self.change_deliveries()

    def parts(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the title and the fields of each part, in the order of the page."""
        yield gettext("Applicant"), [self.applicant_name, self.applicant_email]
        yield from self.delivery_parts()

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate the fields and the number of addresses."""
        good = super().validate(extra_validators)
        return self.deliveries_fit() and good

    def entered(self) -> UtmApplicationInput:
        """Return what was entered. The form must be valid."""
        return UtmApplicationInput(
            deliveries=self.delivery_columns(),
            applicant_name=self.applicant_name.data,
            applicant_email=self.applicant_email.data,
        )
