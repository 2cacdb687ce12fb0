"""Flash messages about the result of an operation, with a level for each kind of result.

``success``: the operation was carried out.
``warning``: it was not attempted, because there was nothing to do or it is currently not possible.
``danger``: it was attempted, but refused or failed; nothing has changed.
"""

from __future__ import annotations

from typing import Any

from flask import flash, session

from models.errors import DomainError
from views.forms.errors import message_of

_ROOM = 700
"""How many characters all messages have together. They are kept in the session cookie, and browsers discard a cookie of more
than 4 KB: a character of a name may need 4 bytes in it."""


def flash_success(message: Any) -> None:
    """Report that an operation was carried out.

    :param message: the translated message.
    """
    _keep(message, "success")


def flash_warning(message: Any) -> None:
    """Report why an operation was not attempted.

    :param message: the translated message.
    """
    _keep(message, "warning")


def flash_error(error: DomainError | Any) -> None:
    """Report why an operation was refused or failed.

    :param error: the error that a rule raised, or a translated message.
    """
    _keep(message_of(error) if isinstance(error, DomainError) else error, "danger")


def _keep(message: Any, level: str) -> None:
    """Keep a message for the next page; what there is no room for is left out."""
    room = _ROOM - sum(len(str(kept)) for _, kept in session.get("_flashes", ()))
    if len(str(message)) > room:
        message = f"{str(message)[: room - 1]}…"
    if room > 0:
        flash(message, level)
