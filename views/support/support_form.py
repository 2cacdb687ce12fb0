"""The form of the support page: links to manuals, and the contact."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import Form, FormField
from wtforms.validators import ValidationError

from models.errors import DomainError
from models.support import support_page
from models.support.support_page import MAX_LINKS, ManualLink, SupportContent
from views.arguments import whole_number
from views.forms.fields import (
    CodeField,
    EmailAddressField,
    MaxLength,
    MemoField,
    OneLine,
    Required,
    TextField,
    ValidEmail,
    VersionField,
)
from views.forms.row_list import RowList
from views.screen.conflict import Difference, differing
from views.screen.form import ScreenForm

_CONTACT = ("contact_name", "email", "phone", "hours")


def _is_manual(_form: Form, field: Any) -> None:
    try:
        support_page.check_manual_url(field.data)
    except DomainError as error:
        raise ValidationError(gettext(error.message)) from None


class ManualForm(Form):
    """The fields of one link."""

    title = TextField(lazy_gettext("Title"), [Required(), MaxLength(support_page.TITLE_LENGTH), OneLine()])
    url = TextField(lazy_gettext("URL"), [Required(), MaxLength(support_page.URL_LENGTH), _is_manual])


class SupportForm(ScreenForm):
    """The content of the page, saved as a whole. Adding and deleting links only changes the form."""

    # One more than allowed, so that the rule can detect and report too many links.
    links = RowList(FormField(ManualForm), max_entries=MAX_LINKS + 1)
    contact_name = TextField(lazy_gettext("Contact point"), [MaxLength(support_page.NAME_LENGTH), OneLine()])
    email = EmailAddressField(lazy_gettext("Email address"), [ValidEmail()])
    phone = CodeField(
        lazy_gettext("Phone number"), [MaxLength(support_page.PHONE_LENGTH), OneLine()], render_kw={"type": "tel"}
    )
    hours = MemoField(lazy_gettext("Business hours"), [MaxLength(support_page.HOURS_LENGTH)], render_kw={"rows": 2})
    version = VersionField()

    @classmethod
    def of(cls, content: SupportContent, version: int) -> SupportForm:
        """Return the form with the stored content."""
        return cls(formdata=None, data=content.columns() | {"version": str(version)})

    def change_links(self) -> bool:
        """Add or remove a link if one of the buttons for this was pressed.

        :returns: whether the page is only to be shown again.
        """
        links: Any = self.links
        if "add_link" in request.form:
            if len(links.entries) < MAX_LINKS:
                links.append_entry()
            else:
                links.errors = [gettext(support_page.TOO_MANY_LINKS, most=MAX_LINKS)]
            return True
        if "remove_link" in request.form:
            number = whole_number(request.form["remove_link"], most=MAX_LINKS)
            if number is not None and number < len(links.entries):
                del links.entries[number]
            return True
        return False

    def content(self) -> SupportContent:
        """Return the content. The form must be valid."""
        links = tuple(ManualLink(each.form["title"].data, each.form["url"].data) for each in self.links.entries)
        return SupportContent(links, **{name: self[name].data or "" for name in _CONTACT})

    def labelled_fields(self) -> list[tuple[Any, str]]:
        """Return the fields with their labels; those of a link with its number."""
        labelled = [
            (field, gettext("Link %(number)s: %(label)s", number=number, label=field.label.text))
            for number, entry in enumerate(self.links.entries, 1)
            for field in entry.form
        ]
        if all(isinstance(error, str) for error in self.links.errors):
            labelled.append((self.links, gettext("Manuals")))
        return [*labelled, *((self[name], str(self[name].label.text)) for name in (*_CONTACT, "version"))]


def differences(stored: SupportContent, typed: SupportContent) -> list[Difference]:
    """Return the differences between the stored and the submitted content; of the links, those that only one side has."""
    return differing(
        [
            (gettext("Manuals"), _only_in(stored, typed), _only_in(typed, stored)),
            (gettext("Contact point"), stored.contact_name, typed.contact_name),
            (gettext("Email address"), stored.email, typed.email),
            (gettext("Phone number"), stored.phone, typed.phone),
            (gettext("Business hours"), stored.hours, typed.hours),
        ]
    )


def _only_in(one: SupportContent, other: SupportContent) -> str:
    return "\n".join(f"{link.title}\n{link.url}" for link in one.links if link not in other.links)
