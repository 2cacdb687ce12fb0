"""Fields and validators shared by forms: they normalize input and enforce the limits of the manual."""

from __future__ import annotations

import unicodedata
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import EmailField, Form, HiddenField, StringField, TextAreaField
from wtforms.validators import StopValidation, ValidationError

from models.accounts.user import EMAIL_LENGTH
from models.values.mail_address import is_mail_address
from models.values.phone import plain_hyphens
from models.values.visible_text import shows, visible
from views.arguments import only_digits, whole_number

_LARGEST_VERSION = 2**31 - 1
"""The largest number that fits into an integer column."""


def half_width(text: str | None) -> str:
    """Normalize a code or an email address for storage: half width, no invisible characters or surrounding blanks."""
    return visible(unicodedata.normalize("NFKC", text or "")).strip()


def trimmed(text: str | None) -> str:
    """Normalize a text for storage: no surrounding blanks, and a single LF for each line break."""
    return (text or "").replace("\r\n", "\n").strip()


def too_long(most: int) -> str:
    """Return the error message for a search condition that is too long.

    :param most: the maximum number of characters.
    """
    return gettext("Enter %(most)s characters or fewer. It was left out of the search.", most=most)


class CodeField(StringField):
    """A field for a code; full-width letters and digits are converted to half width."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = half_width(self.data)


class HyphenField(CodeField):
    """A field for a code with hyphens; similar characters are converted to hyphens."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = plain_hyphens(self.data or "")


class PostcodeField(HyphenField):
    """A required postcode; the 〒 sign and blanks, which are often copied along with it, are removed."""

    default_label = lazy_gettext("Postcode")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            self.default_label,
            [Required(), Postcode()],
            description=lazy_gettext("Example: 733-0001"),
            render_kw={"inputmode": "numeric", "autocomplete": "off"},
            **kwargs,
        )

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = "".join((self.data or "").removeprefix("〒").split())


class TextField(StringField):
    """A field for a single line of text."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = trimmed(visible(self.data or ""))


class MemoField(TextAreaField):
    """A field for several lines of text."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        text = trimmed(visible(self.data or ""))
        self.data = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


def version_shown(text: str | None) -> int:
    """Return the version of the row for which a form was rendered; -1, which no row has, if it is missing or invalid."""
    version = whole_number(text, most=_LARGEST_VERSION)
    return -1 if version is None else version


class VersionField(HiddenField):
    """A hidden field with the version of the row for which the form was rendered, to detect concurrent changes."""

    @property
    def shown(self) -> int:
        """The version; -1, which no row has, if it is missing or invalid."""
        return version_shown(self.data if isinstance(self.data, str) else None)


class EmailAddressField(EmailField):
    """A field for an email address; empty if none is given."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = half_width(self.data)


class MaxLength:
    """A validator for the maximum number of characters, which counts a line break as one.

    The limit is checked only on the server: browsers count in other units, and silently truncate pasted text.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        # The form says it beside the label (macros/forms.html).
        self.field_flags = {"most_characters": most}

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` if the text is longer."""
        if len(field.data or "") > self.most:
            raise ValidationError(gettext("Enter %(most)s characters or fewer.", most=self.most))


class Required:
    """A validator for required fields: the text must contain visible characters."""

    field_flags = {"required": True}

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``StopValidation`` if there is nothing visible."""
        if not shows(str(field.data or "")):
            raise StopValidation(gettext("This field is required."))


class ChosenFile:
    """A validator for required files."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``StopValidation`` if no file was chosen."""
        if not getattr(field.data, "filename", ""):
            raise StopValidation(gettext("Choose a file."))


class OneLine:
    """A validator that refuses line breaks and other control characters, which would add lines to mails and files."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` if there are control characters."""
        if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in field.data or ""):
            raise ValidationError(gettext("Line breaks and control characters cannot be used."))


class ValidEmail:
    """A validator for email addresses that mail can be sent to; an empty field is valid."""

    field_flags = {"most_characters": EMAIL_LENGTH}

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` if the email address is invalid."""
        if not field.data:
            return
        if len(field.data) > EMAIL_LENGTH:
            raise ValidationError(gettext("Enter %(most)s characters or fewer.", most=EMAIL_LENGTH))
        if not is_mail_address(field.data):
            raise ValidationError(gettext("This is not an email address."))


class Postcode:
    """A validator for postcodes: seven digits, with or without a hyphen after the third."""

    def __call__(self, _form: Form, field: Any) -> None:
        """Raise ``ValidationError`` for any other format."""
        digits = (field.data or "").replace("-", "", 1)
        hyphen_right = "-" not in (field.data or "") or (field.data or "")[3:4] == "-"
        if not (len(digits) == 7 and only_digits(digits) and hyphen_right):
            raise ValidationError(gettext("Enter 7 digits, with or without a hyphen (733-0001)."))
