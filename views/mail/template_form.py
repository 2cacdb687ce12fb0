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
from views.forms.fields import AtMost, Needed, OneLine, TextField, VersionField
from views.screen.conflict import Difference, differing

_MOST_FAULTS = 5
"""How many faults are told of a field; a pasted text of another system may have hundreds."""


class BodyField(TextAreaField):
    """The text of a mail."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was typed in the form in which it is stored, so that lines are counted as they are told."""
        super().process_formdata(valuelist)
        self.data = cleaned(MailText(None, self.data or "")).body


class OnlyPlaceholders:
    """Double braces only around the names that the form's kind of mail has, and these names in no other braces."""

    def __call__(self, form: Form, field: Any) -> None:
        """Refuse the rest, and say where it stands."""
        faults = placeholders.faults(field.data or "", form.kind.placeholders)
        if not faults:
            return
        told = [_told(fault, several=isinstance(field, TextAreaField)) for fault in faults[:_MOST_FAULTS]]
        if len(faults) > _MOST_FAULTS:
            told.append(gettext("There are %(count)s more of these.", count=len(faults) - _MOST_FAULTS))
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
    """件名 and 本文.

    :ivar kind: of the mail.
    """

    subject = TextField(lazy_gettext("Subject"), [Needed(), AtMost(SUBJECT_LENGTH), OneLine(), OnlyPlaceholders()])
    body = BodyField(lazy_gettext("Body"), [Needed(), AtMost(BODY_LENGTH), OnlyPlaceholders()])
    version = VersionField()

    def __init__(self, kind: MailKind, text: MailText, version: int) -> None:
        self.kind = kind
        super().__init__(data={"subject": text.subject, "body": text.body, "version": str(version)})
        if kind.sms:
            del self.subject

    def text(self) -> MailText:
        """What was typed, in the form in which it is stored."""
        return cleaned(MailText(None if self.kind.sms else self.subject.data or "", self.body.data or ""))

    def differences(self, stored: MailText) -> list[Difference]:
        """Return where what was typed differs from what is stored."""
        typed = self.text()
        pairs = [(self.body, stored.body, typed.body)]
        if not self.kind.sms:
            pairs.insert(0, (self.subject, stored.subject or "", typed.subject or ""))
        return differing((field.label.text, was, now) for field, was, now in pairs)
