"""The states of applications as shown on screens, and the search field for them (§8.2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

from models.applications.application import ApplicationState
from models.applications.utm_application import UtmApplicationState
from views.screen import formats
from views.screen.filters import DeclaredFilter, Filter

STATE_LABELS = {
    ApplicationState.UNCONFIRMED: lazy_gettext("Unconfirmed"),
    ApplicationState.PENDING: lazy_gettext("Undecided"),
    ApplicationState.HELD: lazy_gettext("On hold"),
    ApplicationState.DENIED: lazy_gettext("Denied"),
    ApplicationState.APPROVED: lazy_gettext("Approved"),
}
UTM_STATE_LABELS = {
    UtmApplicationState.PENDING: STATE_LABELS[ApplicationState.PENDING],
    UtmApplicationState.DENIED: STATE_LABELS[ApplicationState.DENIED],
    UtmApplicationState.APPROVED: STATE_LABELS[ApplicationState.APPROVED],
}
STATE = formats.badge(
    STATE_LABELS,
    {
        ApplicationState.PENDING: "blue",
        ApplicationState.HELD: "orange",
        ApplicationState.DENIED: "gray",
        ApplicationState.APPROVED: "green",
    },
)

OPEN = "open"
_ALL = "all"
_OPEN_LABEL = lazy_gettext("Undecided + on hold")
_ALL_LABEL = lazy_gettext("All")


class StateFilter(DeclaredFilter):
    """ステータス: without a choice, the applications that wait for a decision are listed.

    :param labels: the label of each state, in the order of the manual.
    """

    def __init__(self, name: str, *, labels: Mapping[Any, Any]) -> None:
        super().__init__(name, lazy_gettext("Status"), beside=True)
        self.labels = labels

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
        several = [(OPEN, _OPEN_LABEL)] if ApplicationState.HELD in self.labels else []
        options = [*several, *((state.value, text) for state, text in self.labels.items()), (_ALL, _ALL_LABEL)]
        default = options[0][0]
        value = args.get(self.name, default)
        if value not in dict(options):
            value = default
        # The default is no condition that can be removed; the screen applies it (``condition_of``).
        condition = None if value == default else True
        return self._filter(label, options=options, value=value, condition=condition, needed=True)


def condition_of(column: Any, value: str) -> list[Any]:
    """Return the SQL conditions of a value of ``StateFilter``.

    :param column: the column with the state.
    """
    if value == _ALL:
        return []
    if value == OPEN:
        return [column.in_([ApplicationState.PENDING.value, ApplicationState.HELD.value])]
    return [column == value]
