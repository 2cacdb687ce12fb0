"""The exceptions that rules raise."""

from __future__ import annotations


def N_(message: str) -> str:  # noqa: N802  (gettext's name for it)
    """Mark a message for translation. It is translated where it is shown."""
    return message


NOTHING_CHANGED = N_("Change at least one item.")


ALERTS_UNAVAILABLE = "alerts_unavailable"
"""The attribute of a database error that is set if the database of the alerts cannot be reached."""


class DomainError(Exception):
    """A rule refuses a change.

    :param message: a translatable sentence for the person who made the request.
    :param field: the form field it refers to, None for the whole form.
    :param values: the values of the placeholders in the sentence.
    """

    def __init__(self, message: str, field: str | None = None, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.values = values


class Conflict(Exception):
    """Somebody else changed the row after the person opened it; they are shown the difference."""


class Gone(LookupError):
    """Somebody else deleted the row after it was loaded; the response is the same as if it had never been found."""


class ScopeError(Exception):
    """Code accessed rows outside the tenant of its session. This is a bug, never a user error."""
