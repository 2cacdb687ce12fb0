"""What the one data table shows: columns, rows, and what can be done with a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from views.screen.formats import Format

ICON_BUTTON = "btn btn-icon btn-ghost-secondary"
"""The classes of a button in a row that shows an icon alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is done.

    :param text: the question.
    :param title: over it.
    :param tone: ``danger`` for what takes something away, else ``primary``.
    """

    text: str
    title: str
    tone: str = "primary"


@dataclass(frozen=True, slots=True)
class Button:
    """A link or a button.

    :param label: what it says; empty where its icon does.
    :param name: what it is called where the label does not say it.
    :param values: what it sends; None makes it a link.
    :param question: what is asked first.
    :param refusal: why it cannot be used now; None when it can.
    :param menu: what it opens: a menu of further buttons, instead of leading or sending anywhere.
    """

    label: Any
    url: str
    icon: str = ""
    name: str = ""
    values: Mapping[str, str] | None = None
    question: Question | None = None
    refusal: str | None = None
    css: str = "btn"
    menu: Sequence[Button] = ()

    @property
    def kind(self) -> Any:
        """What tells a button from those that send the same with another question to another URL."""
        asked = (self.question.title, self.question.tone) if self.question else None
        return asked, tuple((self.values or {}).items())


class Column(NamedTuple):
    """A column of a table.

    :ivar key: the page argument by which the list is sorted by it; None where it is not.
    """

    name: str
    label: Any
    css: str = ""
    key: str | None = None


class Toggle(NamedTuple):
    """The button before a row that shows and hides its details.

    :ivar id: of the row on the page; the row of its details has the same with ``-detail``.
    :ivar url: the same page with the details shown, or hidden again.
    :ivar name: the accessible name of the button.
    :ivar details: the content of the details as markup; None while they are hidden.
    """

    id: str
    url: str
    name: str
    details: Any = None


@dataclass(slots=True)
class Row:
    """A row of a table.

    :ivar cells: what stands in each column, in the table's order.
    :ivar key: of the row, for its checkbox.
    :ivar toggle: the button that shows its details, in a table with ``toggles``.
    """

    cells: Sequence[Any]
    buttons: Sequence[Button] = ()
    key: str = ""
    toggle: Toggle | None = None

    def started(self, starts: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
        """Return each cell with what is written before it.

        :param starts: the start tag of each column.
        """
        return zip(starts, self.cells, strict=True)


@dataclass(slots=True)
class Table:
    """A table.

    :ivar title: over it; None for the table of a page that is named after it.
    :ivar label: its name where no title is shown.
    :ivar note: a short text at the end of its head, such as the period that it covers.
    :ivar before: where the page before this one ends, for a list that turns by keyset; ``after``: where the next begins.
    :ivar count: how many rows there are in all; None where it is not said.
    :ivar size: how many rows a page has, where people can choose.
    :ivar actions: what can be done with several rows at once.
    :ivar inputs: what is filled in for that, each as a search field is described (``views.screen.filters.Filter``).
    :ivar toggles: whether each row has a ``Toggle``.
    :ivar form_url: where the submit buttons in its cells send to: the whole table is then one form.
    """

    columns: Sequence[Column]
    rows: list[Row]
    label: Any = ""
    title: Any = None
    note: Any = ""
    sort: str = ""
    direction: str = "asc"
    page: int = 1
    pages: int = 1
    more: bool = False
    before: str | None = None
    after: str | None = None
    count: int | None = None
    size: int | None = None
    actions: Sequence[Button] = ()
    inputs: Sequence[Any] = ()
    links: Sequence[Button] = ()
    empty: Empty | None = None
    toggles: bool = False
    form_url: str = ""

    @property
    def has_buttons(self) -> bool:
        """Whether any row has something that can be done with it."""
        return any(row.buttons for row in self.rows)

    @property
    def forms(self) -> dict[Any, Button]:
        """The buttons of rows that send something, one of each kind: all of a kind share one form."""
        sent = (each for row in self.rows for each in row.buttons if each.values is not None and not each.refusal)
        kinds: dict[Any, Button] = {}
        for each in sent:
            kinds.setdefault(each.kind, each)
        return kinds


@dataclass(frozen=True, slots=True)
class Empty:
    """What is said where a table would have no rows, and what to do next."""

    icon: str
    title: str
    hint: str | None = None
    buttons: Sequence[Button] = field(default=())


def filled_table(
    columns: Sequence[tuple[Any, Format, Callable[[Any], Any]]],
    rows: Iterable[Any],
    *,
    buttons: Callable[[Any], Sequence[Button]] | None = None,
    **options: Any,
) -> Table:
    """Return a table of rows that are not a screen's own.

    :param columns: the label, the format and what is shown of a row, for each column.
    :param buttons: returns what can be done with a row.
    :param options: of ``Table``.
    """
    shown = [Column("", label, each.css) for label, each, _ in columns]
    filled = [
        Row([each.cell(value(row)) for _, each, value in columns], buttons(row) if buttons else ()) for row in rows
    ]
    return Table(shown, filled, **options)
