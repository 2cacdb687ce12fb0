"""The application form (§8.2.1): the company, delivery addresses, extra questions and portal users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, Form, FormField
from wtforms.validators import ValidationError

from models.applications.application import MAX_USERS
from models.applications.delivery import DELIVERY_COLUMNS
from models.applications.extra_question import ApplicationField
from models.applications.rules import ApplicationInput
from models.values.postcode import Found
from views.forms.delivery import phone_field, prefecture_field
from views.forms.extra_question import question_field
from views.forms.fields import EmailAddressField, MaxLength, OneLine, PostcodeField, Required, TextField, ValidEmail
from views.forms.phone import MobileNumber, PhoneField
from views.forms.postcode import PostcodeLookup
from views.forms.row_list import RowList
from views.public_applications.public_form import PublicForm
from views.public_applications.rows import (
    DeliveriesMixin,
    added_or_removed,
    pressed_row,
)

COMPANY_FIELDS = (
    *("company", "last_name", "first_name", "department", "title", "email", "phone"),
    *("postcode", "prefecture", "address"),
)
_ANSWER = "answer_"


def _is_given(_form: Form, field: Any) -> None:
    if not field.data:
        raise ValidationError(gettext("You can apply only if you agree."))


class UserForm(Form):
    """A person who is to sign in to the customers' portal."""

    last_name = TextField(lazy_gettext("Family name"), [Required(), MaxLength(256), OneLine()])
    first_name = TextField(lazy_gettext("Given name"), [Required(), MaxLength(256), OneLine()])
    email = EmailAddressField(lazy_gettext("Email address"), [Required(), ValidEmail()])
    mobile = PhoneField(
        lazy_gettext("Mobile phone number"),
        [MobileNumber()],
        description=lazy_gettext("10 or 11 digits, with or without hyphens. It is used for SMS authentication."),
        render_kw={"inputmode": "tel"},
    )


class ApplicationForm(PostcodeLookup, DeliveriesMixin, PublicForm):
    """The form without the extra questions of the tenant, which ``form_with`` adds."""

    copied_to_delivery: ClassVar = DELIVERY_COLUMNS
    questions: ClassVar[Sequence[str]] = ()

    company = TextField(lazy_gettext("Company name"), [Required(), MaxLength(40), OneLine()])
    last_name = TextField(lazy_gettext("Family name"), [Required(), MaxLength(100), OneLine()])
    first_name = TextField(lazy_gettext("Given name"), [Required(), MaxLength(100), OneLine()])
    department = TextField(lazy_gettext("Department"), [MaxLength(40), OneLine()])
    title = TextField(lazy_gettext("Job title"), [MaxLength(255), OneLine()])
    email = EmailAddressField(
        lazy_gettext("Email address"),
        [Required(), ValidEmail()],
        description=lazy_gettext("The mail that completes the application is sent to this address."),
    )
    phone = phone_field()
    postcode = PostcodeField()
    prefecture = prefecture_field()
    address = TextField(
        lazy_gettext("Address"),
        [Required(), MaxLength(100), OneLine()],
        description=lazy_gettext(
            "An address filled in from the postcode may lack the house number. Please complete it."
        ),
    )
    # One more than allowed, so that an excess can be detected and reported.
    users = RowList(FormField(UserForm), min_entries=1, max_entries=MAX_USERS + 1)
    consent = BooleanField(lazy_gettext("I agree"), [_is_given])

    # The result of the lookup of the company's postcode, for the page.
    filled: Found | None = None

    def change_rows(self) -> bool:
        """Do what a button besides those of the steps does."""
        if "find_address" in request.form:
            self.filled = self.fill_in_address()
            self.focus = (self.address if self.filled else self.postcode).id
            return True
        return self.change_deliveries() or self._change_users()

    def parts(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the title and the fields of each part, in the order of the page."""
        yield gettext("Company information"), [self[name] for name in COMPANY_FIELDS]
        yield from self.delivery_parts()
        if self.questions:
            yield gettext("Additional information"), [self[name] for name in self.questions]
        for number, entry in enumerate(self.users.entries, 1):
            yield gettext("Portal user %(number)s", number=number), list(entry.form)
        yield gettext("Consent"), [self.consent]

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate the fields and the lists."""
        good = super().validate(extra_validators)
        return self.deliveries_fit() and self._users_fit() and good

    def entered(self) -> ApplicationInput:
        """Return what was entered. The form must be valid."""
        answers = {int(name.removeprefix(_ANSWER)): self[name].data for name in self.questions}
        return ApplicationInput(
            values={name: self[name].data for name in COMPANY_FIELDS},
            deliveries=self.delivery_columns(),
            answers={key: answer for key, answer in answers.items() if answer},
            users=[entry.form.data for entry in self.users.entries],
        )

    def _change_users(self) -> bool:
        rows: Any = self.users
        focus = added_or_removed(rows, "user", most=MAX_USERS, first="last_name")
        if focus is not None:
            self.focus = focus
            return True
        if "copy_contact" in request.form:
            entry = pressed_row(rows, "copy_contact")
            if entry is not None:
                for name in ("last_name", "first_name", "email"):
                    entry.form[name].data = self[name].data
                self.focus = entry.form.mobile.id
            return True
        return False

    def _users_fit(self) -> bool:
        entries: Any = self.users.entries
        if len(entries) > MAX_USERS:
            self.form_errors.append(gettext("Enter at most %(most)s portal users.", most=MAX_USERS))
            return False
        seen: set[str] = set()
        good = True
        for entry in entries:
            email = (entry.form.email.data or "").lower()
            if email and email in seen:
                entry.form.email.errors = [*entry.form.email.errors, gettext("Each portal user needs another address.")]
                good = False
            seen.add(email)
        return good


def form_with(questions: Sequence[ApplicationField]) -> ApplicationForm:
    """Return the form of this request with a tenant's extra questions."""
    fields = {f"{_ANSWER}{question.id}": question_field(question) for question in questions}
    made = type("ApplicationFormOfTenant", (ApplicationForm,), fields | {"questions": tuple(fields)})
    form: ApplicationForm = made()
    return form
