"""What a rule or the database refused, told on the form: beside the field it belongs to, or at the top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from sqlalchemy.exc import IntegrityError

from models.errors import DomainError
from views.data_interface import constraint_name, log_database_error


def add_error(form: Any, error: DomainError | IntegrityError, unique_errors: Mapping[str, tuple[str, str]]) -> None:
    """Put an error on a form.

    :param unique_errors: of each unique index that somebody else may have been first at, the field and the message.
    :raises IntegrityError: it broke another constraint, which is nobody's mistake but ours.
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
    """Return why a rule refuses, in the language of the request.

    :param refusal: what it raised, or a sentence marked for translation.
    """
    if isinstance(refusal, DomainError):
        return gettext(refusal.message, **refusal.values)
    return gettext(refusal)
