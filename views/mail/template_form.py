"""The form of a mail template (§5.4.3 (2))."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Form, TextAreaField
from wtforms.validators import ValidationError

from models.mail import placeholders
from models.mail.kinds import MailKind, MailText
from models.mail.template import BODY_LENGTH, SUBJECT_LENGTH, cleaned
from views.forms.fields import MaxLength, OneLine, Required, TextField, VersionField
from views.screen.conflict import Difference, differing

_MAX_FAULTS = 5
"""The maximum number of faults reported for a field; a text pasted from another system may have hundreds."""


class BodyField(TextAreaField):
    """A field for the body of a mail."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input as for storage, so that line numbers in error messages match the displayed text."""
        super().process_formdata(valuelist)
        self.data = cleaned(MailText(None, self.data or "")).body


class KnownPlaceholders:
    """A validator that allows double braces only around the placeholders of the mail, and its placeholders only in them."""

    def __call__(self, form: Form, field: Any) -> None:
        """Add an error with the line of each fault; raise ``ValidationError`` for the last one."""
        faults = placeholders.faults(field.data or "", form.kind.placeholders)
        if not faults:
            return
        told = [_told(fault, several=isinstance(field, TextAreaField)) for fault in faults[:_MAX_FAULTS]]
        if len(faults) > _MAX_FAULTS:
            told.append(gettext("There are %(count)s more of these.", count=len(faults) - _MAX_FAULTS))
        field.errors = [*field.errors, *told[:-1]]
        raise ValidationError(told[-1])


def _told(fault: placeholders.Fault, *, several: bool) -> str:
    if fault.meant is not None:
        meant = f"{{{{{fault.meant}}}}}"
        told = gettext("%(found)s is not a placeholder. Did you mean %(meant)s?", found=fault.found, meant=meant)
    elif fault.closed:
        told = gettext("%(found)s is not a placeholder of this template.", found=fault.found)
    else:
        told = gettext("%(found)s lacks the closing braces }}.", found=fault.found)
    return gettext("Line %(line)s: %(fault)s", line=fault.line, fault=told) if several else told


class MailTemplateForm(FlaskForm):
    """The form with 件名 and 本文.

    :ivar kind: the kind of mail.
    """

    subject = TextField(
        lazy_gettext("Subject"), [Required(), MaxLength(SUBJECT_LENGTH), OneLine(), KnownPlaceholders()]
    )
    body = BodyField(lazy_gettext("Body"), [Required(), MaxLength(BODY_LENGTH), KnownPlaceholders()])
    version = VersionField()

    def __init__(self, kind: MailKind, text: MailText, version: int) -> None:
        self.kind = kind
        super().__init__(data={"subject": text.subject, "body": text.body, "version": str(version)})
        if kind.sms:
            del self.subject

    def text(self) -> MailText:
        """Return the input, normalized for storage."""
        return cleaned(MailText(None if self.kind.sms else self.subject.data or "", self.body.data or ""))

    def differences(self, stored: MailText) -> list[Difference]:
        """Return the differences between the input and the stored text."""
        typed = self.text()
        pairs = [(self.body, stored.body, typed.body)]
        if not self.kind.sms:
            pairs.insert(0, (self.subject, stored.subject or "", typed.subject or ""))
        return differing((field.label.text, was, now) for field, was, now in pairs)
