"""Fields and validators shared by forms: how text is cleaned and what the manual's limits say."""

from __future__ import annotations

import unicodedata
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import EmailField, Form, HiddenField, StringField, TextAreaField
from wtforms.validators import ValidationError

from models.accounts.user import EMAIL_LENGTH
from models.values.mail_address import is_mail_address
from models.values.phone import plain_hyphens
from models.values.visible_text import shows, visible
from views.arguments import only_digits, whole_number

_LARGEST_VERSION = 2**31 - 1
"""The largest number an integer column holds."""


def half_width(text: str | None) -> str:
    """Half-width letters and digits, no surrounding blanks: how codes and addresses are stored."""
    return visible(unicodedata.normalize("NFKC", text or "")).strip()


def trimmed(text: str | None) -> str:
    """A text without surrounding blanks, as it is stored; line ends as one character."""
    return (text or "").replace("\r\n", "\n").strip()


def too_long(most: int) -> str:
    """What is told beside a search condition with more characters than its field takes."""
    return gettext("Enter %(most)s characters or fewer. It was left out of the search.", most=most)


class CodeField(StringField):
    """A text of half-width letters and digits; full-width ones are taken as meant."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = half_width(self.data)


class HyphenField(CodeField):
    """A code with hyphens in it; what the keyboard gave for a hyphen is taken as one."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = plain_hyphens(self.data or "")


class PostcodeField(HyphenField):
    """A postcode, which is needed; the sign before it and blanks come along with what is copied."""

    own_label = lazy_gettext("Postcode")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            self.own_label,
            [Needed(), Postcode()],
            description=lazy_gettext("Example: 733-0001"),
            render_kw={"inputmode": "numeric", "autocomplete": "off"},
            **kwargs,
        )

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = "".join((self.data or "").removeprefix("〒").split())


class TextField(StringField):
    """A line of text."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = trimmed(visible(self.data or ""))


class MemoField(TextAreaField):
    """Some lines of text."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        text = trimmed(visible(self.data or ""))
        self.data = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


def version_shown(text: str | None) -> int:
    """The version that a form says the person had before them; -1, which no row has, when it is nonsense."""
    version = whole_number(text, most=_LARGEST_VERSION)
    return -1 if version is None else version


class VersionField(HiddenField):
    """The version of a row that the person had before them: two people editing are told of each other."""

    @property
    def shown(self) -> int:
        """The version; -1, which no row has, when it was not sent or is nonsense."""
        return version_shown(self.data if isinstance(self.data, str) else None)


class AddressField(EmailField):
    """An e-mail address, empty when none is given."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Clean what was typed."""
        super().process_formdata(valuelist)
        self.data = half_width(self.data)


class AtMost:
    """At most so many characters, line ends counted as one.

    It is told after sending: a browser counts in other units, and cuts off what was pasted without a word.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, _form: Form, field: Any) -> None:
        """Refuse more."""
        if len(field.data or "") > self.most:
            raise ValidationError(gettext("Enter %(most)s characters or fewer.", most=self.most))


class Needed:
    """Something to see."""

    field_flags = {"required": True}

    def __call__(self, _form: Form, field: Any) -> None:
        """Refuse nothing."""
        if not shows(str(field.data or "")):
            from wtforms.validators import StopValidation

            raise StopValidation(gettext("This field is required."))


class OneLine:
    """No line breaks or other control characters: they would add lines to mails and files."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Refuse control characters."""
        if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in field.data or ""):
            raise ValidationError(gettext("Line breaks and control characters cannot be used."))


class ValidAddress:
    """An e-mail address that mail can be sent to, or nothing."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Refuse what is no address."""
        if not field.data:
            return
        if len(field.data) > EMAIL_LENGTH:
            raise ValidationError(gettext("Enter %(most)s characters or fewer.", most=EMAIL_LENGTH))
        if not is_mail_address(field.data):
            raise ValidationError(gettext("This is not an email address."))


class Postcode:
    """Seven digits, with a hyphen after the third or without."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Refuse other forms."""
        digits = (field.data or "").replace("-", "", 1)
        hyphen_right = "-" not in (field.data or "") or (field.data or "")[3:4] == "-"
        if not (len(digits) == 7 and only_digits(digits) and hyphen_right):
            raise ValidationError(gettext("Enter 7 digits, with or without a hyphen (733-0001)."))
