"""The content of the data table that all screens share: columns, rows and buttons."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from views.screen.formats import Format

ICON_BUTTON = "btn btn-icon btn-ghost-secondary"
"""The CSS classes of a button in a row that has only an icon."""


@dataclass(frozen=True, slots=True)
class Question:
    """A confirmation question.

    :param text: the question.
    :param title: the title of the dialog.
    :param tone: ``danger`` for a destructive operation, else ``primary``.
    """

    text: str
    title: str
    tone: str = "primary"


@dataclass(frozen=True, slots=True)
class Button:
    """A link or a button.

    :param label: the label; empty for a button with only an icon.
    :param name: the accessible name, if the label is not sufficient.
    :param values: the form values to submit; None for a link.
    :param question: the confirmation question.
    :param refusal: the reason why the button is currently disabled; None if it is enabled.
    :param menu: the buttons of a menu that it opens, instead of following a link or submitting a form.
    :param dialog: the ID of the part of its page that is shown as a dialog instead of the page, if JavaScript runs.
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
    dialog: str = ""

    @property
    def refusal_id(self) -> str:
        """The ID of the element that says the refusal: buttons with the same one share it."""
        return f"why-{hashlib.sha256(str(self.refusal).encode()).hexdigest()[:8]}"

    @property
    def kind(self) -> Any:
        """The key of the form that the button can share with others: the question's title and tone, and the form values."""
        asked = (self.question.title, self.question.tone) if self.question else None
        return asked, tuple((self.values or {}).items())


class Column(NamedTuple):
    """A column of a table.

    :ivar key: the value of the ``sort`` query parameter for this column; None if it is not sortable.
    """

    name: str
    label: Any
    css: str = ""
    key: str | None = None


class Toggle(NamedTuple):
    """The button at the start of a row that expands and collapses its details.

    :ivar id: the HTML ID of the row; that of its details has the suffix ``-detail``.
    :ivar url: the URL of the same page with the details expanded or collapsed, with the ID as its fragment.
    :ivar name: the accessible name of the button.
    :ivar details: the content of the details as markup; None while they are collapsed.
    """

    id: str
    url: str
    name: str
    details: Any = None


class Choice(NamedTuple):
    """The radio button of a row in a list of which one row is chosen.

    :ivar value: what it sends.
    :ivar name: the accessible name.
    :ivar actions: the names of the actions that are possible with the row, separated by blanks.
    """

    value: str
    name: str
    actions: str


class Picker(NamedTuple):
    """A select field in the header of a table, which filters its rows.

    :ivar name: the query parameter.
    :ivar options: the label of each value.
    :ivar value: the selected value.
    :ivar kept: further query parameters of the page, which are sent too.
    """

    name: str
    label: Any
    options: Mapping[str, Any]
    value: str
    kept: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class Row:
    """A row of a table.

    :ivar cells: the content of each cell, in the order of the columns.
    :ivar key: the key of the row, for its checkbox.
    :ivar toggle: the button that expands its details, in a table with ``toggles``.
    :ivar choice: its radio button, in a table that ``chooses``; None for a row that cannot be chosen.
    """

    cells: Sequence[Any]
    buttons: Sequence[Button] = ()
    key: str = ""
    toggle: Toggle | None = None
    choice: Choice | None = None

    def cell_tags(self, attributes: Iterable[Markup]) -> Markup:
        """Return all cells as markup.

        A list has hundreds of cells; escaping each in the template takes three times as long.

        :param attributes: the attributes of the cells of each column.
        """
        cells = [f"<td {each}>{escape(cell)}</td>" for each, cell in zip(attributes, self.cells, strict=True)]
        return Markup("".join(cells))  # nosec B704  # noqa: S704  (the attributes are markup and the cells are escaped)


@dataclass(slots=True)
class Table:
    """A table.

    :ivar label: the accessible name, if there is no title.
    :ivar title: the title; None if the title of the page is sufficient.
    :ivar note: a short text at the end of the header, such as the period that the table covers.
    :ivar more: whether there may be more rows, because they were not all counted.
    :ivar page_argument: the query parameter with the number of the page, on a page with several tables.
    :ivar before: the cursor of the previous page, for a list with keyset pagination.
    :ivar after: the cursor of the next page.
    :ivar count: the total number of rows; None if it is not displayed.
    :ivar most: up to how many rows are counted exactly.
    :ivar css: a class for a layout of its own, such as that of its cards on a phone.
    :ivar size: the number of rows per page, if the user can choose it.
    :ivar actions: the buttons for several rows at once.
    :ivar inputs: the fields beside these buttons, each described like a search field (``views.screen.filters.Filter``).
    :ivar stacks: whether its rows become cards where there is no room for its columns. A table of few columns has room on a
        phone too.
    :ivar picker: the select field in its header.
    :ivar toggles: whether each row has a ``Toggle``.
    :ivar chooses: whether one of the rows is chosen, for a form with the ID ``chosen-row``.
    :ivar cell_buttons: the buttons in the cells.
    :ivar form_url: the URL that the submit buttons in the cells submit to; the whole table is then one form.
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
    page_argument: str = "page"
    before: str | None = None
    after: str | None = None
    count: int | None = None
    most: int = 1_000
    css: str = ""
    size: int | None = None
    actions: Sequence[Button] = ()
    inputs: Sequence[Any] = ()
    links: Sequence[Button] = ()
    empty: Empty | None = None
    stacks: bool = True
    picker: Picker | None = None
    toggles: bool = False
    chooses: bool = False
    cell_buttons: Sequence[Button] = ()
    form_url: str = ""

    def rows_with_cells(self, attributes: Sequence[Markup]) -> Iterator[tuple[Row, Markup]]:
        """Return each row with its cells as markup.

        :param attributes: the attributes of the cells of each column.
        """
        return ((row, row.cell_tags(attributes)) for row in self.rows)

    @property
    def has_buttons(self) -> bool:
        """Whether any row has buttons."""
        return any(row.buttons for row in self.rows)

    @property
    def buttons(self) -> list[Button]:
        """The buttons of all rows."""
        return [each for row in self.rows for each in row.buttons]

    @property
    def refused(self) -> list[Button]:
        """The buttons, those in the header and in cells included, that cannot be used."""
        return [each for each in (*self.buttons, *self.links, *self.cell_buttons) if each.refusal]

    @property
    def forms(self) -> dict[Any, Button]:
        """One of each kind of button that submits a form; all buttons of a kind share that form."""
        sent = (each for row in self.rows for each in row.buttons if each.values is not None and not each.refusal)
        kinds: dict[Any, Button] = {}
        for each in sent:
            kinds.setdefault(each.kind, each)
        return kinds


@dataclass(frozen=True, slots=True)
class Empty:
    """The message in place of an empty table, with a hint and buttons for the next step."""

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
    """Return a table of rows that do not belong to a screen.

    :param columns: for each column its label, its format and a function that returns the value for a row.
    :param buttons: returns the buttons of a row.
    :param options: further arguments of ``Table``.
    """
    shown = [Column("", label, each.css) for label, each, _ in columns]
    filled = [
        Row([each.cell(value(row)) for _, each, value in columns], buttons(row) if buttons else ()) for row in rows
    ]
    return Table(shown, filled, **options)
