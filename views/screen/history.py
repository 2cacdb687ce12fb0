"""The change history of a row, from the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext

from views.screen import formats
from views.screen.table import Table, filled_table


def history_table(entries: Iterable[Any], label_of: Callable[[str], Any]) -> Table:
    """Return the table of changes: one row for each changed column, one for an entry without columns.

    :param entries: of ``models.audit.entries_about``.
    :param label_of: returns the label of a column.
    """
    return filled_table(
        [
            (gettext("Date and time"), formats.TIME, lambda change: change[0].at),
            (gettext("Changed by"), formats.TEXT, lambda change: change[0].actor),
            (gettext("Item"), formats.PLAIN, lambda change: label_of(change[1]) if change[1] else change[0].action),
            (gettext("Before"), formats.TEXT, lambda change: (change[0].before or {}).get(change[1])),
            (gettext("After"), formats.TEXT, lambda change: (change[0].after or {}).get(change[1])),
        ],
        [(entry, name) for entry in entries for name in entry.names or [None]],
        title=gettext("Change history"),
    )
