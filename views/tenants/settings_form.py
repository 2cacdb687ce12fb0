"""The form of テナント設定 (§5.4.1): settings and two lists that are saved together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Form, FormField, HiddenField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from models.errors import N_, DomainError
from models.tenants import settings_rules
from models.tenants.access_origin import MAX_ORIGINS
from models.tenants.link import DESCRIPTION_LENGTH, MAX_LINKS, NAME_LENGTH, URL_LENGTH
from models.tenants.settings import CONTACT_LENGTH, DEFAULT_COLOUR, DISPLAY_NAME_LENGTH, MAX_GRACE_DAYS
from models.tenants.settings_rules import Link, SettingsInput
from models.values import web_address
from models.values.colour import is_colour
from views.arguments import iso_day, key_or_none, whole_number
from views.forms.fields import CodeField, MaxLength, MemoField, OneLine, Required, TextField, VersionField
from views.forms.row_list import RowList
from views.screen.conflict import Difference, differing

GRACE_DAYS = N_("Grace period of the contract check for new customers (days)")
REPORT_PDF = N_("PDF attached to the mail of the monthly report")
SECOND_FACTOR = N_("Two-factor authentication is required")
PASSKEY_SIGN_IN = N_("Signing in with a passkey instead of the password")
_LINK_FIELDS = ("name", "url", "description", "posted_on")


def is_grace_days(_form: Form, field: Any) -> None:
    """Raise ValidationError unless a field contains a grace period."""
    if whole_number(field.data, most=MAX_GRACE_DAYS) is None:
        raise ValidationError(gettext(settings_rules.NOT_DAYS))


def _is_colour(_form: Form, field: Any) -> None:
    if not is_colour(field.data):
        raise ValidationError(gettext(settings_rules.NOT_A_COLOUR))


def _is_origin(_form: Form, field: Any) -> None:
    try:
        web_address.origin(field.data)
    except DomainError as error:
        raise ValidationError(gettext(error.message)) from None


def _is_page(_form: Form, field: Any) -> None:
    try:
        web_address.check_page(field.data)
    except DomainError as error:
        raise ValidationError(gettext(error.message)) from None


def _is_day(_form: Form, field: Any) -> None:
    if day_of(field.data) is None:
        raise ValidationError(gettext("Enter a date from 2000 to 2100, such as 2026-04-01."))


def day_of(text: str) -> date | None:
    """Parse the value of a date input; return None if it is invalid or not from 2000 to 2100."""
    day = iso_day(text)
    return day if day is not None and 2000 <= day.year <= 2100 else None


class LinkForm(Form):
    """The fields of one link."""

    # The key of the stored link; empty for a new one.
    key = HiddenField()
    name = TextField(lazy_gettext("Link name"), [Required(), MaxLength(NAME_LENGTH), OneLine()])
    url = TextField(lazy_gettext("URL"), [Required(), MaxLength(URL_LENGTH), _is_page])
    description = MemoField(lazy_gettext("Description"), [Required(), MaxLength(DESCRIPTION_LENGTH)])
    posted_on = CodeField(lazy_gettext("Posting date"), [Required(), _is_day])

    @property
    def typed(self) -> dict[str, Any]:
        """The entered values."""
        return {name: self[name].data or "" for name in _LINK_FIELDS}


class _NewLink(FormField):
    """The fields for a new link, which is validated once it is in the list."""

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Return True, because these fields are not saved."""
        return True


class _ColourField(CodeField):
    """A colour, in lower case."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = self.data.lower()


class TenantSettingsForm(FlaskForm):
    """All fields of the screen. Adding and deleting entries only changes the form; 保存 saves all of it."""

    utm_applications = RadioField(
        lazy_gettext("UTM applications"),
        choices=[SelectChoice("1", lazy_gettext("Use")), SelectChoice("0", lazy_gettext("Do not use"))],
        invalid_choice_message=lazy_gettext("Choose one of these."),
    )
    shortage_grace_days = CodeField(
        lazy_gettext(GRACE_DAYS),
        [Required(), is_grace_days],
    )
    display_name = TextField(lazy_gettext("Display name"), [MaxLength(DISPLAY_NAME_LENGTH), OneLine()])
    colour = _ColourField(lazy_gettext("Colour"), [Required(), _is_colour], default=DEFAULT_COLOUR)
    contact = MemoField(lazy_gettext("Contact"), [MaxLength(CONTACT_LENGTH)])
    report_pdf = RadioField(
        lazy_gettext(REPORT_PDF),
        choices=[SelectChoice("1", lazy_gettext("Attach")), SelectChoice("0", lazy_gettext("Do not attach"))],
        default="0",
        invalid_choice_message=lazy_gettext("Choose one of these."),
    )
    second_factor_required = RadioField(
        lazy_gettext(SECOND_FACTOR),
        choices=[SelectChoice("1", lazy_gettext("Require")), SelectChoice("0", lazy_gettext("Do not require"))],
        default="0",
        invalid_choice_message=lazy_gettext("Choose one of these."),
    )
    passkey_sign_in = RadioField(
        lazy_gettext(PASSKEY_SIGN_IN),
        choices=[SelectChoice("1", lazy_gettext("Allow")), SelectChoice("0", lazy_gettext("Do not allow"))],
        default="0",
        invalid_choice_message=lazy_gettext("Choose one of these."),
    )
    new_origin = CodeField(lazy_gettext("URL"))
    # One more entry than allowed, so that an excess can be detected and reported.
    origins = RowList(CodeField(lazy_gettext("URL"), [Required(), _is_origin]), max_entries=MAX_ORIGINS + 1)
    new_link = _NewLink(LinkForm)
    links = RowList(FormField(LinkForm), max_entries=MAX_LINKS + 1)
    version = VersionField()

    @classmethod
    def of(cls, stored: SettingsInput, version: int) -> TenantSettingsForm:
        """Return the form with the stored settings."""
        links = [
            {
                "key": str(link.key),
                "name": link.name,
                "url": link.url,
                "description": link.description,
                "posted_on": link.posted_on.isoformat(),
            }
            for link in stored.links
        ]
        return cls(
            formdata=None,
            data={
                "utm_applications": "1" if stored.utm_applications else "0",
                "shortage_grace_days": str(stored.shortage_grace_days),
                "display_name": stored.display_name,
                "colour": stored.colour,
                "contact": stored.contact,
                "report_pdf": "1" if stored.report_pdf else "0",
                "second_factor_required": "1" if stored.second_factor_required else "0",
                "passkey_sign_in": "1" if stored.passkey_sign_in else "0",
                "origins": list(stored.origins),
                "links": links,
                "version": str(version),
            },
        )

    def add_origin(self) -> bool:
        """Add the new origin to the list.

        :returns: False if it cannot be added; its field then has the error.
        """
        if not self.new_origin.validate(self, [Required(), _is_origin]):
            return False
        found = web_address.origin(self.new_origin.data)
        if found in map(_origin_or_none, self.origins.entries):
            self.new_origin.errors = [gettext(settings_rules.TAKEN_ORIGIN)]
            return False
        if len(self.origins.entries) >= MAX_ORIGINS:
            self.new_origin.errors = [gettext(settings_rules.TOO_MANY)]
            return False
        self.origins.append_entry(found)
        self.new_origin.data = ""
        return True

    def add_link(self) -> bool:
        """Add the new link to the list.

        :returns: False if it cannot be added; its fields then have the errors.
        """
        if not self.new_link.form.validate():
            return False
        if len(self.links.entries) >= MAX_LINKS:
            self.new_link.form["name"].errors = [gettext(settings_rules.TOO_MANY)]
            return False
        self._list_new_link()
        return True

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate the form, after adding a new origin or link that was entered but not yet added."""
        if self.new_origin.data and len(self.origins.entries) <= MAX_ORIGINS:
            self.origins.append_entry(self.new_origin.data)
            self.new_origin.data = ""
        if any(self.new_link.form.typed.values()) and len(self.links.entries) <= MAX_LINKS:
            self._list_new_link()
        good = super().validate(extra_validators)
        return self._origins_differ() and self._lists_fit() and good

    def values(self) -> SettingsInput:
        """Return the settings to store; the form must be valid."""
        return SettingsInput(
            utm_applications=self.utm_applications.data == "1",
            shortage_grace_days=int(self.shortage_grace_days.data),
            origins=tuple(web_address.origin(entry.data) for entry in self.origins.entries),
            links=tuple(_link(entry.form) for entry in self.links.entries),
            display_name=self.display_name.data,
            colour=self.colour.data,
            contact=self.contact.data,
            report_pdf=self.report_pdf.data == "1",
            second_factor_required=self.second_factor_required.data == "1",
            passkey_sign_in=self.passkey_sign_in.data == "1",
        )

    def labelled_fields(self) -> Iterator[tuple[Any, str]]:
        """Yield all fields, including those of list entries, with labels that contain the number of the entry."""
        plain = (self.version, self.utm_applications, self.shortage_grace_days, self.report_pdf)
        for field in (*plain, self.second_factor_required, self.passkey_sign_in, self.new_origin):
            yield field, str(field.label.text)
        for number, entry in enumerate(self.origins.entries, 1):
            yield entry, gettext("URL %(number)s", number=number)
        for name in _LINK_FIELDS:
            yield self.new_link.form[name], str(self.new_link.form[name].label.text)
        for number, entry in enumerate(self.links.entries, 1):
            for name in _LINK_FIELDS:
                label = entry.form[name].label.text
                yield entry.form[name], gettext("Link %(number)s: %(label)s", number=number, label=label)
        for field in (self.display_name, self.colour, self.contact):
            yield field, str(field.label.text)

    def _list_new_link(self) -> None:
        self.links.append_entry(self.new_link.form.typed)
        for name in _LINK_FIELDS:
            self.new_link.form[name].data = ""

    def _origins_differ(self) -> bool:
        seen: set[str] = set()
        good = True
        for entry in self.origins.entries:
            found = _origin_or_none(entry)
            if found in seen:
                entry.errors = [*entry.errors, gettext(settings_rules.TAKEN_ORIGIN)]
                good = False
            if found:
                seen.add(found)
        return good

    def _lists_fit(self) -> bool:
        fit = len(self.origins.entries) <= MAX_ORIGINS and len(self.links.entries) <= MAX_LINKS
        if not fit:
            self.form_errors.append(gettext(settings_rules.TOO_MANY))
        return fit


def differences(stored: SettingsInput, typed: SettingsInput) -> list[Difference]:
    """Return the differences between stored and submitted settings; for lists, the entries that only one side has."""
    return differing(
        (
            (gettext("UTM applications"), _used(stored), _used(typed)),
            (gettext(GRACE_DAYS), str(stored.shortage_grace_days), str(typed.shortage_grace_days)),
            (gettext(REPORT_PDF), attached(stored), attached(typed)),
            (gettext(SECOND_FACTOR), required(stored), required(typed)),
            (gettext(PASSKEY_SIGN_IN), allowed(stored), allowed(typed)),
            (gettext("Display name"), stored.display_name, typed.display_name),
            (gettext("Colour"), stored.colour, typed.colour),
            (gettext("Contact"), stored.contact, typed.contact),
            (gettext("Allowed URLs of the application page"), *_only_one_has(stored.origins, typed.origins)),
            (gettext("Links"), *_only_one_has(map(_told, stored.links), map(_told, typed.links))),
        )
    )


def _used(settings: SettingsInput) -> str:
    return gettext("Use") if settings.utm_applications else gettext("Do not use")


def attached(settings: SettingsInput) -> str:
    """Return whether the PDF of the monthly report is attached, in words."""
    return gettext("Attach") if settings.report_pdf else gettext("Do not attach")


def required(settings: SettingsInput) -> str:
    """Return whether two-factor authentication is required, in words."""
    return gettext("Require") if settings.second_factor_required else gettext("Do not require")


def allowed(settings: SettingsInput) -> str:
    """Return whether a passkey may be used instead of the password, in words."""
    return gettext("Allow") if settings.passkey_sign_in else gettext("Do not allow")


def _only_one_has(stored: Any, typed: Any) -> tuple[str, str]:
    stored, typed = list(stored), list(typed)
    return (
        "\n".join(each for each in stored if each not in typed),
        "\n".join(each for each in typed if each not in stored),
    )


def _told(link: Link) -> str:
    return f"{link.name}\n{link.url}\n{link.description}\n{link.posted_on.isoformat()}\n"


def _link(form: LinkForm) -> Link:
    return Link(
        key=key_or_none(form.key.data),
        **form.typed | {"posted_on": date.fromisoformat(form.posted_on.data)},
    )


def _origin_or_none(entry: Any) -> str | None:
    try:
        return web_address.origin(entry.data or "")
    except DomainError:
        return None
