"""The writing pages of a screen: creating, editing, deleting, restoring and the screen's own actions.

Rules carry out an operation or refuse it. This module decides on the response: the form with its errors, the confirmation
page, the differences after an edit conflict, or the redirect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from flask import abort, redirect, request, session
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from models import clock
from models.db import db
from models.errors import Conflict, DomainError, Gone
from views.arguments import key_or_none
from views.base import actor, first_of, render
from views.confirmation import (
    confirmation_page,
    is_back_to_form,
    needs_confirmation,
    refuses_first,
    response_before_saving,
    validates_first,
)
from views.flashes import flash_error, flash_success, flash_warning
from views.forms.errors import add_error, message_of
from views.forms.fields import version_shown
from views.screen.already_done import DONE_ALREADY, redirect_gone, row_to_write
from views.screen.conflict import Difference, compared
from views.screen.filters import Filter
from views.screen.form import changed_by_others, differences, fingerprints
from views.screen.table import Question

_MAX_ROWS = 1_000
_DELETED_MEANWHILE = (Gone, ObjectDeletedError)


class WritePages:
    """A mixin with the forms and actions of a screen; the attributes are those of ``Screen``."""

    add_on_list = False
    """Whether rows are created with a form below the list instead of on a separate page."""

    form_template = "screen/form.html"

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
        try:
            answer = self._before_writing(form, None, lambda: self.create(form))
            if answer is not None:
                return answer
            row = self.create(form)
            db.session.flush()
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, self.unique_errors)
            return self.form_page(form), 422
        flash_success(self.labels.message("added"))
        return redirect(self.after_creation(row))

    @validates_first
    @expose("/<row>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self: Any, pk: Any) -> Any:
        """Edit a row."""
        row = row_to_write(self, pk)
        if refusal := self.refusal("edit", row):
            flash_warning(message_of(refusal))
            return redirect(self.page_of(row))
        form = self.form_of(row)
        if request.method == "GET":
            return self.form_page(form, row)
        shown = request.form.get("shown", "")
        version = version_shown(request.form.get("version"))
        if row.version != version and shown and not changed_by_others(form, row, shown):
            # The other change did not affect the fields of this form, but for instance the row's position in a sort order.
            version = row.version
        try:
            answer = self._before_writing(form, row, lambda: self.change(row, form, version=version))
            if answer is not None:
                return answer
            self.change(row, form, version=version)
            db.session.flush()
        except (Conflict, StaleDataError):
            db.session.rollback()
            row = row_to_write(self, pk)
            found = differences(form, changed_by_others(form, row, shown))
            return self.form_page(form, row, conflict=found), 409
        except _DELETED_MEANWHILE:
            redirect_gone(self)
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, self.unique_errors)
            return self.form_page(form, row_to_write(self, pk)), 422
        flash_success(self.labels.message("changed"))
        return redirect(self.page_of(row))

    def _before_writing(self: Any, form: Any, row: Any, write: Callable[[], Any]) -> Any:
        """Return the response to a form that cannot be saved yet, also if its ``assist`` button was pressed; else None.

        :param write: writes the row. It is tried before the question if only the database knows whether a value is taken.
        :raises DomainError: a rule refuses it.
        :raises IntegrityError: a value is taken.
        """
        if not is_back_to_form() and (help_given := self.assist(form)) is not None:
            return self.form_page(form, row, **help_given)
        tried = (lambda: _try_out(write)) if self.unique_errors else None
        return response_before_saving(form, lambda: self.form_page(form, row), tried)

    def new_form(self: Any) -> Any:
        """Return the form for creating a row, empty or with the submitted values."""
        return self.prepared(self.form())

    def form_of(self: Any, row: Any) -> Any:
        """Return the form for editing a row, with the values of the row or the submitted ones."""
        return self.prepared(self.form(data=self.form().stored(row)))

    def prepared(self: Any, form: Any) -> Any:
        """Return a form after setting the choices that depend on the database; the default has none."""
        return form

    def create(self: Any, form: Any) -> Any:
        """Create a row from a form.

        :raises DomainError: a rule refuses it.
        """
        return self.rules.create(db.session(), form.values(), by=actor())

    def change(self: Any, row: Any, form: Any, *, version: int) -> None:
        """Change a row to the values of a form.

        :raises Conflict: another user has changed the row.
        :raises DomainError: a rule refuses it.
        """
        self.rules.change(db.session(), row, form.values(), version=version, by=actor())

    def assist(self: Any, form: Any) -> dict[str, Any] | None:
        """Carry out the operation of a secondary button of the form, such as filling in a postal address.

        :returns: additional template context for the page of the form; None if no such button was pressed.
        """
        fill = getattr(form, "fill_in_address", None)
        return {"filled": fill()} if fill is not None and "find_address" in request.form else None

    def form_page(self: Any, form: Any, row: Any = None, conflict: list[Difference] | None = None, **more: Any) -> str:
        """Return the page of a form.

        :param row: the row to edit; None for a new row.
        :param conflict: the differences from what another user saved in the meantime.
        :param more: additional template context.
        """
        if row is None and self.add_on_list:
            page: str = self.list_page(form)
            return page
        method = "add" if row is None else "edit"
        title = self.labels.message(f"{method}_title")
        return render(
            self.form_template,
            screen=self,
            form=form,
            row=row,
            title=title,
            crumbs=self.crumbs(row, title),
            button=self.labels.message(f"{method}_button"),
            question=Question(self.labels.message(f"ask_{method}"), title),
            conflict=compared(conflict),
            shown=fingerprints(form, row) if row is not None else "",
            cancel_url=self.page_of(row) if row is not None else self.cancel_url(),
            warning=self.warning(row),
            history=self.changes(row) if row is not None and "show" not in self.include_route_methods else None,
            **more,
        )

    def warning(self: Any, row: Any) -> str | None:
        """Return what is said above the form although it can be saved, None for nothing.

        :param row: that is changed; None where one is created.
        """
        return None

    def after_creation(self: Any, row: Any) -> str:
        """Return the URL to redirect to after a row was created."""
        return str(self.page_of(row))

    def cancel_url(self: Any) -> str:
        """Return the URL to redirect to if creating a row is cancelled, or after a row was deleted."""
        return first_of(self.list_url() if self.may("list") else None)

    def remove(self: Any, row: Any) -> None:
        """Delete a row.

        :raises DomainError: a rule refuses it.
        """
        self.rules.delete(db.session(), row, now=clock.utc_now(), by=actor())

    @refuses_first
    @expose("/<row>/delete", methods=["POST"])
    @has_access
    def delete(self: Any, pk: Any) -> Any:
        """Delete a row."""
        row = row_to_write(self, pk)
        if refusal := self.refusal("delete", row):
            # The row's page says the reason below its disabled button.
            said = self.may("show") and self.deletable(row)
            not_deleted = gettext("%(name)s has not been deleted. The reason is given below.", name=self.name_of(row))
            flash_warning(not_deleted if said else message_of(refusal))
            return redirect(self.page_of(row))
        if needs_confirmation():
            return confirmation_page()
        if not self._try(lambda: self.remove(row)):
            return redirect(self.page_of(row_to_write(self, pk)))
        flash_success(self.labels.message("deleted"))
        return redirect(self.cancel_url())

    @expose("/<row>/restore", methods=["POST"])
    @has_access
    def restore(self: Any, pk: Any) -> Any:
        """Restore a deleted row."""
        row = row_to_write(self, pk, deleted=True)
        if not self._try(lambda: self.rules.restore(db.session(), row, by=actor())):
            return redirect(self.list_url())
        flash_success(self.labels.message("restored"))
        return redirect(self.page_of(row))

    def run_action(self: Any, action: Any, pk: Any = None) -> Any:
        """Run an action on the row of the URL, or on those of the selected rows that it is offered for."""
        chosen = [row_to_write(self, pk)] if pk is not None else self._ticked()
        rows = [row for row in chosen if action.when(row)]
        refusals = [refusal for row in rows or chosen if (refusal := self.refusal(action.name, row))]
        if refusals:
            flash_warning(message_of(refusals[0]))
            return redirect(self.after_action(rows or chosen))
        if not rows:
            flash_warning(
                gettext("This cannot be done with any of the chosen rows.")
                if pk is None
                else gettext(action.already or DONE_ALREADY)
            )
            return redirect(self.after_action(chosen))
        if needs_confirmation():
            return confirmation_page()
        results: list[Any] = []
        if not self._try(lambda: results.extend(action.run(self, row) for row in rows)):
            return redirect(self.after_action([row_to_write(self, pk)] if pk is not None else []))
        if action.done:
            flash_success(gettext(action.done))
        return redirect(results[0] if isinstance(results[0], str) else self.after_action(rows))

    def inputs_of_many(self: Any) -> Sequence[Filter]:
        """Return what is filled in beside the buttons for the rows that are ticked."""
        return ()

    def after_action(self: Any, rows: list[Any]) -> str:
        """Return the URL to redirect to after an action: the list, or the row's page if there is no list."""
        if len(rows) == 1 and "list" not in self.include_route_methods:
            return str(self.page_of(rows[0]))
        return str(self.list_url())

    def _ticked(self: Any) -> list[Any]:
        """Return the selected rows; abort with 404 if one of them is not a row of this screen."""
        keys = list(dict.fromkeys(request.form.getlist("rowid")))
        (key,) = self.model.__mapper__.primary_key
        if not keys or len(keys) > _MAX_ROWS:
            abort(400)
        wanted: list[Any] = [key_or_none(each) for each in keys] if key.type.python_type is int else list(keys)
        if any(each is None or (isinstance(each, int) and each > self.largest_key()) for each in wanted):
            abort(404)
        rows = self.query().filter(key.in_(wanted)).order_by(key).all()
        if len(rows) != len(keys):
            abort(404)
        return list(rows)

    def _try(self: Any, rule: Any) -> bool:
        """Run a rule; if it refuses or the row was deleted, roll back and flash the reason.

        :returns: whether the rule succeeded.
        """
        try:
            rule()
            db.session.flush()
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            if not isinstance(error, DomainError):
                raise
            flash_error(error)
            return False
        except _DELETED_MEANWHILE:
            redirect_gone(self)
        return True


def _try_out(write: Callable[[], Any]) -> None:
    """Write something that is rolled back, because the response is a question, and leave the browser's session as it was."""
    browser = deepcopy(dict(session))
    try:
        write()
        db.session.flush()
    finally:
        session.clear()
        session.update(browser)
