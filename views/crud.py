"""Flask-AppBuilder's own screens of rows in the portal's layout, made safe and led by rules.

FAB's views list, show and ask; what is written is written by a rule of ``models``, which checks and keeps the audit
log. FAB's own writing would hand a form's values to the row and commit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from models.db import db
from models.errors import Conflict, DomainError
from views.base import PortalModelView
from views.data_interface import PortalInterface
from views.forms import errors as form_errors
from views.redirects import back_to
from views.search_conditions import Conditions, read_conditions

_LAST_PAGE = 10_000


class FabInterface(PortalInterface):
    """The portal's interface with search conditions that cannot fail."""

    filter_converter_class = Conditions


class FabScreen(PortalModelView):
    """One of FAB's screens. Its rows belong to no tenant.

    A subclass says what it writes: :meth:`create`, :meth:`change` and :meth:`remove`.
    """

    tabs: tuple[tuple[Any, str, str, str], ...] = ()
    """Label, endpoint, permission and view of each tab above the lists."""

    named_by = "name"
    """The column that tells a row from the others, for the question before it is deleted."""

    delete_title: Any = lazy_gettext("Delete")

    unique_errors: Mapping[str, tuple[str, str]] = {}
    """Of each unique index that somebody else may have been first at, the field and the message."""

    @expose("/list/")
    @has_access
    def list(self) -> str:
        """List the rows that meet the conditions."""
        return self._page(
            self.list_template, self.list_title, self._list(), [(self.list_title, None)], tabs=self._tabs()
        )

    @expose("/show/<key:pk>")
    @has_access
    def show(self, pk: int) -> str:
        """Show one row."""
        item = self.row_or_404(pk)
        return self._page(
            self.show_template,
            str(item),
            self._get_show_widget(pk, item),
            self.crumbs((str(item), None)),
            **self.shown_with(item),
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Make a row."""
        form = self.new_form()
        if form.validate_on_submit():
            made = self._write(form, lambda: self.create(form))
            if made is not None:
                flash(self.add_row_message, "success")
                return redirect(self.url_of(made))
        widgets = self._get_add_widget(form)
        page = self._page(self.add_template, self.add_title, widgets, self.crumbs((self.add_title, None)))
        return page, 422 if form.is_submitted() else 200

    @expose("/edit/<key:pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: int) -> Any:
        """Change a row."""
        item = self.row_or_404(pk)
        if refusal := self.refusal(item):
            flash(gettext(refusal), "warning")
            return redirect(self.url_of(item))
        form = self.form_of(item)
        status = 422 if form.is_submitted() else 200
        if form.validate_on_submit():
            try:
                if self._write(form, lambda: self.change(item, form) or item) is not None:
                    flash(self.edit_row_message, "success")
                    return redirect(self.url_of(item))
            except Conflict:
                status = 409
            db.session.rollback()
            item = self.row_or_404(pk)
        if status == 409:
            self._tell_conflict(form, item)
        crumbs = self.crumbs((str(item), self.url_of(item)), (self.edit_title, None))
        return self._page(self.edit_template, self.edit_title, self._get_edit_widget(form), crumbs), status

    @expose("/delete/<key:pk>", methods=["POST"])
    @has_access
    def delete(self, pk: int) -> Response:
        """Delete a row."""
        item = self.row_or_404(pk)
        try:
            self.remove(item)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(gettext(error.message), "danger")
            return redirect(self.url_of(self.row_or_404(pk)))
        flash(self.delete_row_message, "success")
        return redirect(back_to(self.get_redirect()))

    def create(self, form: Any) -> Any:
        """Make a row of a form; a refusal is a DomainError."""
        raise NotImplementedError

    def change(self, item: Any, form: Any) -> None:
        """Change a row as a form says; a refusal is a DomainError, somebody else's change a Conflict."""
        raise NotImplementedError

    def remove(self, item: Any) -> None:
        """Delete a row; a refusal is a DomainError."""
        raise NotImplementedError

    def undeletable(self) -> Collection[int]:
        """The rows whose list offers no deleting."""
        return ()

    def new_form(self) -> Any:
        """The form to make a row with."""
        raise NotImplementedError

    def form_of(self, item: Any) -> Any:
        """The form to change a row with, filled from the row or from the request.

        It has a hidden field ``shown`` with the fingerprint of the row it was filled from.
        """
        raise NotImplementedError

    def refusal(self, item: Any) -> str | None:
        """Why a row can never be changed here, None when it can."""
        return None

    def shown_with(self, item: Any) -> dict[str, Any]:
        """What the page of one row shows beside its columns."""
        return {}

    def row_or_404(self, pk: int) -> Any:
        """A row of this screen with all that is shown of it."""
        item = db.session.get(self.datamodel.obj, pk, options=self.datamodel.options) if pk < 2**31 else None
        if item is None:
            abort(404)
        return item

    def url_of(self, item: Any) -> str:
        """Where a row is shown. It is not read again for that: somebody may have deleted it."""
        (key,) = inspect(item).identity
        return url_for(f"{self.endpoint}.show", pk=key)

    def crumbs(self, *below: tuple[str, str | None]) -> list[tuple[str, str | None]]:
        """The way here: the dashboard is not on it, because it needs a tenant."""
        return [(str(self.list_title), url_for(f"{self.endpoint}.list")), *below]

    def get_redirect(self) -> str:
        """The list. FAB keeps visited addresses in the session, and leads back to ones that failed."""
        return url_for(f"{self.endpoint}.list")

    def update_redirect(self) -> None:
        """Note nothing; see :meth:`get_redirect`."""

    def _list(self, **kwargs: Any) -> dict[str, Any]:
        """FAB's widgets of the list and its search, from clean arguments."""
        read_conditions(self._filters)
        sort, direction = self._order()
        page = self._asked_page()
        asked = {"filters": self._filters, "order_column": sort, "order_direction": direction}
        widgets = self._get_list_widget(**asked, page=page, page_size=self.page_size, **kwargs)
        shown = widgets["list"].template_args
        if page * self.page_size >= shown["count"] > 0:
            last = (shown["count"] - 1) // self.page_size
            widgets = self._get_list_widget(**asked, page=last, page_size=self.page_size, **kwargs)
        widgets["list"].template_args |= {
            "order": (sort, direction),
            "named_by": self.named_by,
            "delete_title": self.delete_title,
            "undeletable": self.undeletable(),
        }
        return self._get_search_widget(form=self.search_form.refresh(), widgets=widgets)

    def _order(self) -> tuple[str, str]:
        name = type(self).__name__
        column = request.args.get(f"_oc_{name}", "")
        direction = request.args.get(f"_od_{name}", "")
        if column not in self.order_columns or direction not in {"asc", "desc"}:
            return self.base_order
        return column, direction

    def _asked_page(self) -> int:
        text = request.args.get(f"page_{type(self).__name__}", "0")
        return min(int(text), _LAST_PAGE) if text.isascii() and text.isdecimal() and len(text) <= 6 else 0

    def _write(self, form: Any, rule: Any) -> Any:
        """What a rule made, committed; None when it refused, with the reason on the form."""
        try:
            made = rule()
            db.session.commit()
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            form_errors.add_error(form, error, self.unique_errors)
            return None
        return made

    def _tell_conflict(self, form: Any, item: Any) -> None:
        """Say beside each field what the other saved; saving once more is then a choice."""
        form.form_errors = [gettext("Somebody else changed this while you were editing. Nothing has been saved.")]
        for field in form:
            stored = self.stored_text(item, field)
            if stored is not None:
                field.errors = [gettext("Saved value: %(value)s", value=stored or "-")]
        form.shown.data = self.fingerprint(item)

    def stored_text(self, item: Any, field: Any) -> str | None:
        """What is stored for a form's field where it differs from what was typed, None where it does not."""
        raise NotImplementedError

    def fingerprint(self, item: Any) -> str:
        """What tells a changed row from the one a form was filled from."""
        raise NotImplementedError

    def _tabs(self) -> list[dict[str, Any]]:
        may = self.appbuilder.sm.has_access
        return [
            {"label": label, "url": url_for(endpoint), "active": endpoint.partition(".")[0] == self.endpoint}
            for label, endpoint, permission, view in self.tabs
            if may(permission, view)
        ]

    def _page(self, template: str, title: Any, widgets: dict[str, Any], crumbs: list[Any], **context: Any) -> str:
        return self.render_template(template, title=title, widgets=widgets, crumbs=crumbs, related_views=[], **context)
