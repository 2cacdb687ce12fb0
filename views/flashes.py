"""Flash messages about the result of an operation, with a level for each kind of result.

``success``: the operation was carried out.
``warning``: it was not attempted, because there was nothing to do or it is currently not possible.
``danger``: it was attempted, but refused or failed; nothing has changed.
"""

from __future__ import annotations

from typing import Any

from flask import flash

from models.errors import DomainError
from views.forms.errors import message_of


def flash_success(message: Any) -> None:
    """Report that an operation was carried out.

    :param message: the translated message.
    """
    flash(message, "success")


def flash_warning(message: Any) -> None:
    """Report why an operation was not attempted.

    :param message: the translated message.
    """
    flash(message, "warning")


def flash_error(error: DomainError | Any) -> None:
    """Report why an operation was refused or failed.

    :param error: the error that a rule raised, or a translated message.
    """
    flash(message_of(error) if isinstance(error, DomainError) else error, "danger")
