"""The messages of the next page about what was done last; each kind has one level.

``success``: it was done.
``warning``: it was not tried, because there was nothing to do or it is not possible now.
``danger``: it was tried, and refused or failed; nothing has changed.
"""

from __future__ import annotations

from typing import Any

from flask import flash

from models.errors import DomainError
from views.forms.errors import message_of


def flash_success(message: Any) -> None:
    """Say that something was done.

    :param message: translated.
    """
    flash(message, "success")


def flash_warning(message: Any) -> None:
    """Say why something was not tried.

    :param message: translated.
    """
    flash(message, "warning")


def flash_error(error: DomainError | Any) -> None:
    """Say why something was refused or failed.

    :param error: what a rule raised, or a translated message.
    """
    flash(message_of(error) if isinstance(error, DomainError) else error, "danger")
