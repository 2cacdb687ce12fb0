"""What a rule raises when it refuses."""

from __future__ import annotations


def N_(message: str) -> str:  # noqa: N802  (gettext's name for it)
    """Mark a message for translation where it is written; whoever shows it translates it."""
    return message


NOTHING_CHANGED = N_("Change at least one item.")


class DomainError(Exception):
    """A rule refuses what was asked.

    :param message: a translatable sentence for the person who asked.
    :param field: the form field it belongs to, None for the whole form.
    :param values: what stands for the placeholders of the sentence.
    """

    def __init__(self, message: str, field: str | None = None, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.values = values


class Conflict(Exception):
    """Somebody else changed the row since the person looked at it; they are shown the difference."""


class Gone(LookupError):
    """Somebody else deleted the row since it was found; whoever asked is answered as if it had never been found."""


class ScopeError(Exception):
    """Code reached for rows outside the tenant its session is in. A defect, never a person's mistake."""
