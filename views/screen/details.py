"""The page of a row: its details, with what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import inspect
from werkzeug.exceptions import NotFound

from models.db import db
from views.base import render
from views.screen.history import history_table
from views.screen.table import Button, Question, Table
from views.shown_once import token_to_show


class DetailPages:
    """A mixin with the page of a row; the attributes are those of ``Screen``."""

    secret_help: Any = None
    """The help text for a secret that is shown once, if the rows have one; lazily translated."""

    show_template = "screen/show.html"

    shows_deleted = False
    """Whether the page of a deleted row can still be opened, if deleted rows are kept; without its buttons."""

    @expose("/<row>")
    @has_access
    def show(self: Any, pk: Any) -> Any:
        """Show one row."""
        row = self.row_to_show(pk)
        return render(
            self.show_template,
            screen=self,
            row=row,
            title=self.name_of(row),
            crumbs=self.crumbs(row),
            tabs=self.tabs_of_row(row),
            overview=self.overview(row),
            parts=self.details(row),
            buttons=self.page_buttons(row),
            related=self.related(row),
            history=self.changes(row),
            window_details=self.window_details(row),
            secret=self.secret_of([inspect(row).identity[0]]),
        )

    def row_to_show(self: Any, pk: Any) -> Any:
        """Return the row of a page; abort with 404 if there is none."""
        try:
            return self.row_or_404(pk)
        except NotFound:
            if not (self.trash and self.shows_deleted):
                raise
            return self.row_or_404(pk, deleted=True)

    def secret_of(self: Any, keys: Sequence[Any]) -> dict[str, Any] | None:
        """Return the secret that was just issued for one of some rows, which can be shown only once; None if there is none.

        :param keys: the keys of the rows.
        """
        waiting = token_to_show(self.model, map(int, keys)) if self.secret_help else None
        if waiting is None:
            return None
        row = db.session.get(self.model, waiting["key"])
        return {"title": self.name_of(row), "value": waiting["token"], "help": self.secret_help}

    def details(self: Any, row: Any) -> list[tuple[Any, list[tuple[Any, Any, str]], list[tuple[Any, Any, str]]]]:
        """Return the title, the values and the values hidden while empty of each part of a row's page."""
        return [
            (title, self._facts(row, part["fields"]), self._facts(row, part.get("more", ()), only_filled=True))
            for title, part in self.show_fieldsets or [(None, {"fields": self.list_columns})]
        ]

    def _facts(self: Any, row: Any, names: Sequence[str], *, only_filled: bool = False) -> list[tuple[Any, Any, str]]:
        found = [(name, self.value(row, name), self.formats[name]) for name in names]
        return [
            (self.label_of(name), each.cell(value), each.css)
            for name, value, each in found
            if value not in (None, "") or not only_filled
        ]

    def page_buttons(self: Any, row: Any) -> list[Button]:
        """Return the buttons of a row's page."""
        if self._is_deleted(row):
            return []
        message, name = self.labels.message, self.name_of(row)
        back = self.back_argument()
        found = []
        if self.may("edit") and not self.refusal("edit", row):
            found.append(Button(message("edit_button"), self.url("edit", row, **back), "pencil"))
        found += [
            self.action_button(each, row, back)
            for each in self.actions_of_rows
            if each.is_on_page and self.may(each.name) and each.when(row)
        ]
        if self.may("delete") and self.deletable(row):
            question = Question(message("ask_delete", name), message("delete_title"), "danger")
            url, refusal = self.url("delete", row), self._refusal_message("delete", row)
            found.append(Button(message("delete_button"), url, "trash", "", back, question, refusal))
        return found

    def related(self: Any, row: Any) -> Sequence[Table]:
        """Return the tables of related rows for a row's page, each with a title."""
        return ()

    def tabs_of_row(self: Any, row: Any) -> list[dict[str, Any]]:
        """Return the tabs of a row's pages."""
        return []

    def changes(self: Any, row: Any) -> Table | None:
        """Return the change history of a row; None if the screen shows none, or the person may not see it."""
        return history_table(self, row) if self.history else None
