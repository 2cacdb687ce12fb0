"""The list of a screen with its search, also as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from flask import Response, request, stream_with_context
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import func
from sqlalchemy.orm import Session

from models import scope
from models.db import db
from models.errors import DomainError
from views.arguments import choice, page_number
from views.base import render
from views.forms.errors import message_of
from views.preferences import CHOICES, preferred
from views.read_sessions import streamed
from views.redirects import back_to
from views.screen.csv_file import csv_lines
from views.screen.filters import Filter, Search, read_search
from views.screen.formats import linked
from views.screen.navigation import list_arguments, present_arguments, with_arguments
from views.screen.table import ICON_BUTTON, Button, Column, Empty, Question, Row, Table

COUNT_CAP = 1_000
"""The limit up to which lists count their rows, unless a later page is displayed; above it, they show "1,000 or more"."""

_DELETED = "deleted"
_FILE_BATCH = 500


class ListPages:
    """A mixin with the list of a screen and its CSV file; the attributes are those of ``Screen``."""

    list_labels: ClassVar[Mapping[str, Any]] = {}
    """Labels of columns that differ in the list from those in the form and the details."""

    file_columns: ClassVar[Sequence[str]] = ()
    """The columns of the CSV file, if they are not those of the list."""

    clear_columns: ClassVar[Sequence[str]] = ()
    """The columns whose values need no label on a card on a phone, besides badges and those with the name of the row."""

    list_intro: Any = None
    """The introductory text of the list, lazily translated."""

    list_template = "screen/list.html"

    def list_page(self: Any, form: Any = None) -> str:
        """Return the page of the list.

        :param form: the form for creating a row, if the screen has it below the list.
        """
        search = self.search()
        tables = self.tables(search)
        return render(
            self.list_template,
            screen=self,
            title=self.labels.many,
            crumbs=self.crumbs(),
            tabs=self.tabs_of_list(),
            search=search,
            tables=tables,
            links=self.list_links(search, tables),
            secret=self.secret_of([row.key for table in tables for row in table.rows]),
            form=form,
            **self.beside_list(search),
        )

    def beside_list(self: Any, search: Search) -> dict[str, Any]:
        """Return what else the template of the list needs, by the name of its variable."""
        return {}

    def search(self: Any) -> Search:
        """Return the search fields with their values from the query parameters."""
        labels = {each.name: self.label_of(each.name) for each in self.filters}
        found = read_search(self.filters, self.model, labels, request.args)
        if self.trash and self.may("restore"):
            self._offer_deleted(found)
        return found

    def _offer_deleted(self: Any, search: Search) -> None:
        """Add the option "Removed" to the status field, which is created if there is none."""
        removed = (_DELETED, gettext("Removed"))
        asked = request.args.get("status") == _DELETED
        place = next((place for place, each in enumerate(search.filters) if each.name == "status"), None)
        present = search.filters[place] if place is not None else Filter("status", gettext("Status"), options=[])
        changed = Filter(
            "status",
            present.label,
            _DELETED if asked else present.value,
            True if asked else present.condition,
            [*(present.options or ()), removed],
            beside=True,
        )
        if place is None:
            search.filters.append(changed)
        else:
            search.filters[place] = changed

    def rows(self: Any, search: Search) -> Any:
        """Return the unordered query of the rows that match a search."""
        deleted = bool(self.trash) and search.value("status") == _DELETED and self.may("restore")
        return self.query(deleted=deleted).filter(*search.conditions)

    def tables(self: Any, search: Search) -> list[Table]:
        """Return the tables of the list; by default one table with one page of rows."""
        query = self.rows(search)
        sort, direction = self.order()
        size = self.rows_per_page()
        page = page_number()
        count = self._count(query, page * size)
        page = min(page, max(1, -(-count // size)))
        rows = self.ordered(query, sort, direction).options(*self.datamodel.options)
        table = self.table(rows.limit(size).offset((page - 1) * size).all())
        table.sort, table.direction = sort, direction
        table.page, table.pages, table.count = page, max(1, -(-count // size)), count
        table.size = size if count > min(map(int, CHOICES["page_size"])) else None
        table.more = count > max(COUNT_CAP, page * size)
        table.empty = self.empty(searched=bool(search.active))
        table.actions = self._actions_of_many() if table.rows else ()
        table.inputs = self.inputs_of_many() if table.actions else ()
        return [table]

    def _count(self: Any, query: Any, shown: int) -> int:
        """Count the rows up to one more than the cap, or one more than the last row of the page.

        :param shown: the number of rows up to the end of the page.
        """
        keys = query.with_entities(*self.model.__mapper__.primary_key).order_by(None)
        capped = keys.limit(max(COUNT_CAP, shown) + 1).subquery()
        return self.rows_session().query(func.count()).select_from(capped).scalar() or 0

    def order(self: Any) -> tuple[str, str]:
        """Return the column to sort the list by, and ``asc`` or ``desc``; invalid values give the screen's default order."""
        default, default_direction = self.base_order
        sort = choice("sort", self.order_columns, default)
        if sort not in self.order_columns:
            return default, default_direction
        return sort, choice("direction", ("asc", "desc"), default_direction if sort == default else "asc")

    def ordered(self: Any, query: Any, sort: str, direction: str) -> Any:
        """Return a sorted query, with NULL values last."""
        return self.datamodel.apply_order_by(query, sort, direction)

    def rows_per_page(self: Any) -> int:
        """Return the number of rows per page."""
        asked = choice("size", CHOICES["page_size"], preferred("page_size") or "")
        return int(asked) if asked else self.page_size

    def table(self: Any, rows: Sequence[Any], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of rows.

        :param columns: the columns; by default the screen's ``list_columns``.
        :param options: further arguments of ``Table``.
        """
        names = columns or self.list_columns
        back = present_arguments()
        formats = [self.formats[name] for name in names]
        link = self.link_column or names[0]
        may_show = self.may("show")
        own = self.list_labels
        # What names the row needs no label on a card.
        clear = {names[0], link, self.named_by, *self.clear_columns}
        shown = [
            Column(
                name,
                str(own.get(name) or self.label_of(name)),
                f"{each.css} unlabelled".strip() if name in clear else each.css,
                name if name in self.order_columns else None,
            )
            for name, each in zip(names, formats, strict=True)
        ]
        filled = []
        if rows and self.may("delete"):
            self.prepare_refusals(rows)
        for row in rows:
            cells = [each.cell(self.value(row, name)) for name, each in zip(names, formats, strict=True)]
            if may_show and not self._is_deleted(row):
                place = list(names).index(link) if link in names else 0
                cells[place] = linked(self.url("show", row, **back), cells[place])
            filled.append(Row(cells, self.buttons(row, back), str(self.key_of(row))))
        css = f"compact {options.pop('css', '')}".strip()
        return Table(shown, filled, label=self.labels.many, css=css, **options)

    def value(self: Any, row: Any, name: str) -> Any:
        """Return the value of a column for a row; ``a.b`` is an attribute of a related row."""
        for part in name.split("."):
            row = getattr(row, part, None)
        return row() if callable(row) else row

    def _is_deleted(self: Any, row: Any) -> bool:
        return bool(self.trash) and getattr(row, self.trash) is not None

    def empty(self: Any, *, searched: bool) -> Empty:
        """Return the message of an empty list.

        :param searched: whether the list is empty because no row matches the search.
        """
        message = self.labels.message
        if searched:
            all_rows = Button(message("show_all"), request.root_path + request.path)
            return Empty("search-off", message("no_match"), message("no_match_hint") or None, [all_rows])
        add = [] if self.add_on_list else self.add_buttons()
        # A hint about creating rows is not for users who may not; a screen that creates none has a hint for everybody.
        hint = message("empty_hint") if add or self.add_on_list or "add" not in self.methods else ""
        return Empty(self.labels.icon, message("empty"), hint or None, add)

    def list_links(self: Any, search: Search, tables: Sequence[Table]) -> Sequence[Button]:
        """Return the buttons next to the title of the list."""
        return [] if self.add_on_list else self.add_buttons()

    def add_buttons(self: Any) -> list[Button]:
        """Return the button for creating a row, or an empty list if the user may not."""
        if not self.may("add"):
            return []
        return [Button(self.labels.message("add_button"), self.url("add"), "plus", css="btn btn-primary")]

    def file_url(self: Any) -> str | None:
        """Return the URL of the CSV file with the current search and order, None if the screen has no CSV file."""
        arguments = {name: value for name, value in request.args.items() if name not in {"page", "back", "csv"}}
        return with_arguments(self.url("list"), {"csv": "1"} | arguments) if self.csv else None

    def buttons(self: Any, row: Any, back: dict[str, str]) -> list[Button]:
        """Return the buttons of a row in the list.

        :param back: the query parameter that contains the state of the list to return to.
        """
        message, name = self.labels.message, self.name_of(row)
        if self._is_deleted(row):
            question = Question(message("ask_restore", name), message("restore_title"))
            label = message("restore_button")
            url = self.url("restore", row)
            return [Button(label, url, "refresh", message("restore_name", name), back, question, css="btn btn-sm")]
        found = []
        if self.may("edit") and not self.refusal("edit", row):
            found.append(
                Button("", self.url("edit", row, **back), "pencil", message("edit_name", name), css=ICON_BUTTON)
            )
        found += [
            self.action_button(each, row, back, css="btn btn-sm" if each.label else ICON_BUTTON)
            for each in self.actions_of_rows
            if each.single and self.may(each.name) and each.when(row)
        ]
        if self.may("delete") and self.deletable(row):
            question = Question(message("ask_delete", name), message("delete_title"), "danger")
            url, refusal = self.url("delete", row), self._refusal_message("delete", row)
            found.append(
                Button("", url, "trash", message("delete_name", name), back, question, refusal, css=ICON_BUTTON)
            )
        return found

    def deletable(self: Any, row: Any) -> bool:
        """Return whether the delete button is offered for a row."""
        return True

    def action_button(self: Any, action: Any, row: Any, back: dict[str, str], **options: Any) -> Button:
        """Return the button of an action."""
        name = self.name_of(row)
        label = gettext(action.label, name=name) if action.label else ""
        called = gettext(action.accessible_name, name=name) if action.accessible_name else ""
        values = back | self.action_values(action, row)
        return Button(
            label,
            self.url(action.name, row),
            action.icon,
            called,
            values,
            action.question_about(self.named_in_question(row)),
            self._refusal_message(action.name, row),
            **options,
        )

    def named_in_question(self: Any, row: Any) -> str:
        """Return the name of a row for the questions of actions."""
        return str(self.name_of(row))

    def action_values(self: Any, action: Any, row: Any) -> dict[str, str]:
        """Return additional form values that the button of an action submits."""
        return {}

    def _actions_of_many(self: Any) -> list[Button]:
        many = gettext("The chosen rows")
        return [
            Button(gettext(each.label), self.url(each.name), each.icon, "", {}, each.question_about(many))
            for each in self.actions_of_rows
            if each.multiple and self.may(each.name)
        ]

    def refusal(self: Any, method: str, row: Any) -> DomainError | str | None:
        """Return the reason why a method is currently not possible for a row, None if it is.

        The buttons in the list and on the row's page show the reason instead of acting, and it is checked again before the
        method runs.

        :param row: the row; None for ``add``.
        """
        return None

    def prepare_refusals(self: Any, rows: Sequence[Any]) -> None:
        """Read what ``refusal`` needs for the rows of a list, if that would take SQL statements for each row."""

    def _refusal_message(self: Any, method: str, row: Any) -> str | None:
        refusal = self.refusal(method, row)
        return message_of(refusal) if refusal else None

    def back_argument(self: Any) -> dict[str, str]:
        """Return the query parameter that contains the state of the list from which the current page was opened."""
        return {"back": request.values["back"]} if list_arguments() else {}

    def list_url(self: Any) -> str:
        """Return the URL of the list in the state in which the current page was opened from it."""
        given, url = list_arguments(), self.url("list")
        return with_arguments(url, given) if given else back_to(url)

    def file(self: Any, search: Search) -> Response:
        """Return a streaming response with the rows of the list as a CSV file."""
        sort, direction = self.order()
        head = [str(self.label_of(name)) for name in self.file_columns or self.list_columns]
        statement = self.ordered(self.rows(search), sort, direction).options(*self.datamodel.options)
        info = scope.of_session(self.rows_session())
        db.session.rollback()
        answer = Response(
            stream_with_context(csv_lines(head, self._cells(statement, info))), mimetype="text/csv; charset=utf-8"
        )
        answer.headers["Content-Disposition"] = f"attachment; filename={self.endpoint.removesuffix('View').lower()}.csv"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _cells(self: Any, query: Any, info: dict[str, Any]) -> Iterator[list[str]]:
        """Yield the cells of each row, read in a separate session that stays open until the file is complete."""
        formats = [(name, self.formats[name]) for name in self.file_columns or self.list_columns]

        def rows(session: Session) -> Iterator[list[str]]:
            self.prepare_file(session)
            for row in query.with_session(session).yield_per(_FILE_BATCH):
                yield [each.text(self.value(row, name)) for name, each in formats]

        yield from streamed(info, rows)

    def prepare_file(self: Any, session: Session) -> None:
        """Read what ``value`` needs beside the rows of a file; the default needs nothing.

        :param session: the one that reads the rows, so that both are of the same server.
        """

    # Defined last because its name shadows the built-in type in the rest of the class body.
    @expose("/")
    @has_access
    def list(self: Any) -> Any:
        """Show the list of rows that match the search, or return it as a CSV file."""
        if self.csv and "csv" in request.args:
            return self.file(self.search())
        return self.list_page()
