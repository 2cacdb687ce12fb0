"""The differences that a form shows after an edit conflict: another user saved the same row in the meantime."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext

from views.screen import formats
from views.screen.table import Table, filled_table

_LINES_OR_DASH = formats.Format(formats.LINES.html)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose stored value, saved by another user, differs from the submitted one."""

    label: str
    stored: str
    typed: str


def differing(values: Iterable[tuple[object, str, str]]) -> list[Difference]:
    """Return the fields whose stored and submitted values differ.

    :param values: the label, the stored value and the submitted value of each field.
    """
    return [Difference(str(label), stored, typed) for label, stored, typed in values if stored != typed]


def compared(differences: Iterable[Difference] | None) -> Table | None:
    """Return a table of differences; None if there was no conflict."""
    if differences is None:
        return None
    return filled_table(
        [
            (gettext("Item"), formats.TEXT, lambda each: each.label),
            (gettext("Saved by the other"), _LINES_OR_DASH, lambda each: each.stored),
            (gettext("Your value"), _LINES_OR_DASH, lambda each: each.typed),
        ],
        differences,
    )
