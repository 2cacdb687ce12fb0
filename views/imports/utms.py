"""UTM一括登録: register many UTMs of existing customers, from pasted lines or a file."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import FileField, TextAreaField
from wtforms.validators import ValidationError

from models import clock
from models.db import db
from models.errors import DomainError
from models.imports import rules
from models.values.visible_text import visible
from views.base import PortalView, actor, render, url_if
from views.confirmation import back_to_form, returns_to_form
from views.forms.errors import add_error
from views.forms.fields import CodeField
from views.imports.checking import Checked, checked_rows
from views.imports.lines import utm_rows
from views.imports.reading import read_lines, read_rows
from views.imports.tables import error_table


class UtmLinesForm(FlaskForm):
    """The form for pasted lines, or a file."""

    customer_id = CodeField(
        lazy_gettext("Company ID"),
        description=lazy_gettext("For rows without a company ID. Leave it empty if every row has one."),
        render_kw={"maxlength": 9, "autocomplete": "off", "spellcheck": "false"},
    )
    lines = TextAreaField(
        lazy_gettext("Pasted lines"),
        description=lazy_gettext("Cells copied from a spreadsheet, or lines of a CSV file; up to 5,000 rows and 1 MB."),
        render_kw={"rows": 8, "spellcheck": "false", "wrap": "off"},
    )
    file = FileField(
        lazy_gettext("Or a file"),
        description=lazy_gettext(
            "A CSV file (UTF-8 or Shift_JIS) or an Excel workbook (.xlsx); up to 5,000 rows and 5 MB."
        ),
        render_kw={"accept": ".csv,.txt,.xlsx"},
    )

    @property
    def has_file(self) -> bool:
        """Whether a file was chosen."""
        return bool(getattr(self.file.data, "filename", ""))

    def validate_file(self, _field: Any) -> None:
        """Raise ``ValidationError`` unless there are either lines or a file."""
        if self.has_file == bool((self.lines.data or "").strip()):
            raise ValidationError(gettext("Either paste lines or choose a file."))


class UtmImportView(PortalView):
    """The bulk registration of UTMs. What it checks is an import like any other (``ImportView``)."""

    route_base = "/customers/import"
    class_permission_name = "Imports"

    @expose("/utms")
    @has_access
    @permission_name("list")
    def utms(self) -> str:
        """Show the form."""
        return _page(UtmLinesForm(data={"customer_id": request.args.get("customer_id", "")[:9]}))

    @expose("/utms", methods=["POST"])
    @has_access
    @permission_name("check")
    @returns_to_form
    def check(self) -> Any:
        """Check the lines. If they have errors, show them and store nothing; otherwise store them to be started."""
        form = UtmLinesForm()
        if back_to_form():
            return _page(form)
        if not form.validate_on_submit():
            return _page(form), 422
        try:
            checked = _checked(form)
        except DomainError as error:
            add_error(form, error)
            return _page(form), 422
        if checked.errors:
            return _page(form, checked), 422
        pasted = gettext("Pasted lines")
        name = visible(form.file.data.filename).replace("\n", " ")[:200] if form.has_file else pasted
        run = rules.store(db.session(), g.identity.tenant.id, name, checked.rows, by=actor())
        return redirect(url_for("ImportView.show", import_key=run.id))


def _checked(form: UtmLinesForm) -> Checked:
    rows = read_rows(form.file.data.stream.read(), least=1) if form.has_file else read_lines(form.lines.data)
    columns, rest = utm_rows(rows, form.customer_id.data.upper())
    return checked_rows(columns, rest, today=clock.tokyo_day(clock.utc_now()))


def _page(form: UtmLinesForm, checked: Checked | None = None) -> str:
    title = gettext("Register UTMs in bulk")
    return render(
        "imports/utms.html",
        title=title,
        crumbs=[
            (gettext("Dashboard"), url_for("HomeView.index")),
            (gettext("Customers"), url_if("can_list", "Customers", "CustomerView.list")),
            (gettext("Import"), url_for("ImportView.list")),
            (title, None),
        ],
        form=form,
        errors=error_table(checked.errors) if checked else None,
    )
