"""The pages of a screen that write: creating, changing, deleting, restoring and the screen's own actions.

Rules do it and refuse it. Here is decided what is shown: the form with its errors, the question before it is done, what
somebody else saved meanwhile, and where one goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import abort, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from models import clock
from models.db import db
from models.errors import Conflict, DomainError
from views.arguments import key_or_none
from views.base import actor, first_of, render
from views.flashes import flash_error, flash_success, flash_warning
from views.forms.errors import add_error, message_of
from views.forms.fields import version_shown
from views.question import answer_before_writing, validates_first
from views.screen.conflict import Difference, compared
from views.screen.form import changed_by_others, differences, fingerprints
from views.screen.table import Question

_MOST_ROWS = 1_000
_MOST_DIGITS = 19


class WritePages:
    """The forms and actions of a screen; the attributes are those of ``Screen``."""

    add_on_list = False
    """Whether rows are created with a form below the list instead of on a page of its own."""

    form_template = "screen/form.html"
    beside_fields: ClassVar[Mapping[str, str]] = {}
    """Of fields that something else stands beside, its template."""

    @validates_first
    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self: Any) -> Any:
        """Create a row."""
        if refusal := self.refusal("add", None):
            flash_warning(message_of(refusal))
            return redirect(self.cancel_url())
        form = self.new_form()
        if request.method == "GET":
            return self.form_page(form)
        if (answer := self._before_writing(form)) is not None:
            return answer
        try:
            row = self.create(form)
            db.session.flush()
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, self.unique_errors)
            return self.form_page(form), 422
        flash_success(self.labels.say("added"))
        return redirect(self.after_creation(row))

    @validates_first
    @expose("/<row>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self: Any, pk: Any) -> Any:
        """Change a row."""
        row = self.row_or_404(pk)
        if refusal := self.refusal("edit", row):
            flash_warning(message_of(refusal))
            return redirect(self.page_of(row))
        form = self.form_of(row)
        if request.method == "GET":
            return self.form_page(form, row)
        if (answer := self._before_writing(form, row)) is not None:
            return answer
        shown = request.form.get("shown", "")
        version = version_shown(request.form.get("version"))
        if row.version != version and shown and not changed_by_others(form, row, shown):
            # Somebody changed what this form does not show, the row's place in an order for instance.
            version = row.version
        try:
            self.change(row, form, version=version)
            db.session.flush()
        except (Conflict, StaleDataError):
            db.session.rollback()
            row = self.row_or_404(pk)
            found = differences(form, changed_by_others(form, row, shown))
            return self.form_page(form, row, conflict=found), 409
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, self.unique_errors)
            return self.form_page(form, self.row_or_404(pk)), 422
        flash_success(self.labels.say("changed"))
        return redirect(self.page_of(row))

    def _before_writing(self: Any, form: Any, row: Any = None) -> Any:
        """Answer a form that is not to be written yet: help was asked for, it has errors, or the question comes first."""
        if (help_given := self.assist(form)) is not None:
            return self.form_page(form, row, **help_given)
        return answer_before_writing(form, lambda: self.form_page(form, row))

    def new_form(self: Any) -> Any:
        """Return the form to create a row with, empty or as it was sent."""
        return self.prepared(self.form())

    def form_of(self: Any, row: Any) -> Any:
        """Return the form to change a row with, filled from the row or as it was sent."""
        return self.prepared(self.form(data=self.form().stored(row)))

    def prepared(self: Any, form: Any) -> Any:
        """Return a form with the choices that depend on the database filled in."""
        return form

    def create(self: Any, form: Any) -> Any:
        """Create a row from a form; a refusal is a DomainError."""
        return self.rules.create(db.session(), form.values(), by=actor())

    def change(self: Any, row: Any, form: Any, *, version: int) -> None:
        """Change a row as a form says; a refusal is a DomainError, somebody else's change a Conflict."""
        self.rules.change(db.session(), row, form.values(), version=version, by=actor())

    def assist(self: Any, form: Any) -> dict[str, Any] | None:
        """Do what a second button of the form asks for, such as filling in an address.

        :returns: what the form's page shows because of it; None when no such button was pressed.
        """
        fill = getattr(form, "fill_in_address", None)
        return {"filled": fill()} if fill is not None and "find_address" in request.form else None

    def form_page(self: Any, form: Any, row: Any = None, conflict: list[Difference] | None = None, **more: Any) -> str:
        """Return the page of a form.

        :param row: that is changed; None where one is created.
        :param conflict: what somebody else saved meanwhile.
        """
        if row is None and self.add_on_list:
            page: str = self.list_page(form)
            return page
        method = "add" if row is None else "edit"
        title = self.labels.say(f"{method}_title")
        return render(
            self.form_template,
            screen=self,
            form=form,
            row=row,
            title=title,
            crumbs=self.crumbs(row, title),
            button=self.labels.say(f"{method}_button"),
            question=Question(self.labels.say(f"ask_{method}"), title),
            conflict=compared(conflict),
            shown=fingerprints(form, row) if row is not None else "",
            cancel_url=self.page_of(row) if row is not None else self.cancel_url(),
            warning=self.warning(row),
            **more,
        )

    def warning(self: Any, row: Any) -> str | None:
        """Return what is said above the form although it can be saved, None for nothing.

        :param row: that is changed; None where one is created.
        """
        return None

    def after_creation(self: Any, row: Any) -> str:
        """Return where one goes on after a row was created."""
        return str(self.page_of(row))

    def cancel_url(self: Any) -> str:
        """Return where one goes on without creating a row."""
        return first_of(self.list_url() if self.may("list") else None)

    def remove(self: Any, row: Any) -> None:
        """Delete a row; a refusal is a DomainError."""
        self.rules.delete(db.session(), row, now=clock.utc_now(), by=actor())

    @expose("/<row>/delete", methods=["POST"])
    @has_access
    def delete(self: Any, pk: Any) -> Any:
        """Delete a row."""
        row = self.row_or_404(pk)
        if refusal := self.refusal("delete", row):
            flash_warning(message_of(refusal))
            return redirect(self.page_of(row))
        if not self._try(lambda: self.remove(row)):
            return redirect(self.page_of(self.row_or_404(pk)))
        flash_success(self.labels.say("deleted"))
        return redirect(self.cancel_url())

    @expose("/<row>/restore", methods=["POST"])
    @has_access
    def restore(self: Any, pk: Any) -> Any:
        """Bring a deleted row back."""
        row = self.row_or_404(pk, deleted=True)
        if not self._try(lambda: self.rules.restore(db.session(), row, by=actor())):
            return redirect(self.list_url())
        flash_success(self.labels.say("restored"))
        return redirect(self.page_of(row))

    def run_action(self: Any, action: Any, pk: Any = None) -> Any:
        """Do an action with the row of the URL, or with those ticked rows that it is offered for."""
        chosen = [self.row_or_404(pk)] if pk is not None else self._ticked()
        rows = [row for row in chosen if pk is not None or action.when(row)]
        if not rows:
            flash_warning(gettext("This cannot be done with any of the chosen rows."))
            return redirect(self.after_action(chosen))
        refusals = [refusal for row in rows if (refusal := self.refusal(action.name, row))]
        if refusals:
            flash_warning(message_of(refusals[0]))
            return redirect(self.after_action(rows))
        results: list[Any] = []
        if not self._try(lambda: results.extend(action.run(self, row) for row in rows)):
            return redirect(self.after_action([self.row_or_404(pk)] if pk is not None else []))
        if action.done:
            flash_success(gettext(action.done))
        return redirect(results[0] if isinstance(results[0], str) else self.after_action(rows))

    def after_action(self: Any, rows: list[Any]) -> str:
        """Return where one goes on after an action: to the page it was started on."""
        if len(rows) == 1 and "list" not in self.include_route_methods:
            return str(self.page_of(rows[0]))
        return str(self.list_url())

    def _ticked(self: Any) -> list[Any]:
        """The rows whose boxes are ticked; all of them must be this screen's."""
        keys = list(dict.fromkeys(request.form.getlist("rowid")))
        (key,) = self.model.__mapper__.primary_key
        if not keys or len(keys) > _MOST_ROWS:
            abort(400)
        wanted: list[Any] = [key_or_none(each) for each in keys] if key.type.python_type is int else list(keys)
        if any(each is None or (isinstance(each, int) and each > self.largest_key()) for each in wanted):
            abort(404)
        rows = self.query().filter(key.in_(wanted)).order_by(key).all()
        if len(rows) != len(keys):
            abort(404)
        return list(rows)

    def _try(self: Any, rule: Any) -> bool:
        """Run a rule; when it refuses, say why, and roll back."""
        try:
            rule()
            db.session.flush()
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            if not isinstance(error, DomainError):
                raise
            flash_error(error)
            return False
        return True
