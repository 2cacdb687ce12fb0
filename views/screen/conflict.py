"""What a form shows when somebody else saved the same thing since it was opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext

from views.screen import formats
from views.screen.table import Table, filled_table

_LINES_OR_DASH = formats.Format(formats.LINES.html)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field for which somebody else saved another value than the one that was typed here."""

    label: str
    stored: str
    typed: str


def differing(values: Iterable[tuple[object, str, str]]) -> list[Difference]:
    """Return the differences among some values.

    :param values: the label of each field, its stored value and the value that was typed.
    """
    return [Difference(str(label), stored, typed) for label, stored, typed in values if stored != typed]


def compared(differences: Iterable[Difference] | None) -> Table | None:
    """Return the table that shows differences; None when nobody else saved anything."""
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
