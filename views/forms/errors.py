"""Errors of business rules and of the database, shown on a form beside their field or at the top."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from flask_babel import gettext
from sqlalchemy.exc import IntegrityError

from models.errors import DomainError
from views.data_interface import constraint_name, log_database_error

_HIDDEN = ("CSRFTokenField", "HiddenField", "VersionField")


class FormError(NamedTuple):
    """An error in the summary at the top of a form.

    :ivar id: the ID of the field on the page; None for an error of the whole form or of a hidden field.
    :ivar label: the label of the field; empty for an error of the whole form.
    """

    id: str | None
    label: str
    message: str


def error_list(form: Any) -> list[FormError]:
    """Return the errors of a form in the order in which the page shows them.

    A form with lists of fields has a method ``labelled_fields`` that yields each of its fields with its label.
    """
    labelled = getattr(form, "labelled_fields", None)
    fields = labelled() if labelled else ((field, field.label.text) for field in form)
    return [FormError(None, "", str(error)) for error in form.form_errors] + [
        FormError(None if field.type in _HIDDEN else field.id, str(label), str(error))
        for field, label in fields
        for error in field.errors
    ]


def add_error(
    form: Any, error: DomainError | IntegrityError, unique_errors: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> None:
    """Add an error to a form.

    :param unique_errors: by name of a unique index, the field and the message for a value that is already taken.
    :raises IntegrityError: another constraint was violated, which is a bug and not an input error.
    """
    if isinstance(error, DomainError):
        field, message = error.field, message_of(error)
    else:
        log_database_error(error)
        known = unique_errors.get(constraint_name(error) or "")
        if known is None:
            raise error
        field, message = known[0], gettext(known[1])
    if field is None:
        form.form_errors.append(message)
    else:
        form[field].errors = [*form[field].errors, message]


def message_of(refusal: DomainError | str) -> str:
    """Return the message of a refusal in the language of the request.

    :param refusal: the error that a rule raised, or a message marked for translation.
    """
    if isinstance(refusal, DomainError):
        return gettext(refusal.message, **refusal.values)
    return gettext(refusal)
