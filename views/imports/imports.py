"""Import of customers from a file: upload, check, run, progress and undo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import abort, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import FileField

from models import clock
from models.db import db
from models.errors import N_, DomainError
from models.imports import rules
from models.imports.import_run import ImportRun, RunState
from models.imports.tokens import issue_tokens, new_utms
from models.values.visible_text import visible
from views.base import PortalView, actor, render, url_if
from views.flashes import flash_error, flash_success
from views.forms.errors import add_error, message_of
from views.forms.fields import ChosenFile
from views.imports.checking import Checked, checked_rows, columns_of
from views.imports.columns import templates, utm_template
from views.imports.reading import read_rows
from views.imports.tables import error_table, outcome_counts, row_table, run_table, state_word
from views.screen.csv_file import csv_lines
from views.screen.table import Button, Question
from views.transaction import commit_with_file

_REFRESH_SECONDS = 3
_RECENT = 20


class UploadForm(FlaskForm):
    """The form for uploading a file."""

    file = FileField(
        lazy_gettext("File"),
        [ChosenFile()],
        description=lazy_gettext(
            "A CSV file (UTF-8 or Shift_JIS) or an Excel workbook (.xlsx); up to 5,000 rows and 5 MB."
        ),
        render_kw={"accept": ".csv,.txt,.xlsx", "required": True},
    )


class ImportView(PortalView):
    """The imports of the tenant."""

    route_base = "/customers/import"
    class_permission_name = "Imports"

    @expose("/")
    @has_access
    def list(self) -> str:
        """Show the upload form and the latest imports."""
        return _upload_page(UploadForm())

    @expose("/template")
    @has_access
    def template(self) -> Response:
        """Return the template as a CSV file with the columns of customers, optionally also of contracts and UTMs, or of UTMs."""
        if request.args.get("utms") == "1":
            return _csv_file("utms", utm_template())
        with_contracts = request.args.get("contracts") == "1"
        name = "customers_contracts_utms" if with_contracts else "customers"
        return _csv_file(name, templates(with_contracts=with_contracts))

    @expose("/", methods=["POST"])
    @has_access
    def check(self) -> Any:
        """Check an uploaded file. If it has errors, show them and store nothing; otherwise store it to be started."""
        form = UploadForm()
        if not form.validate_on_submit():
            return _upload_page(form), 422
        try:
            checked = _checked(form.file.data.stream.read())
        except DomainError as error:
            add_error(form, error)
            return _upload_page(form), 422
        if checked.errors:
            return _upload_page(form, checked), 422
        name = visible(form.file.data.filename).replace("\n", " ")[:200]
        run = rules.store(db.session(), g.identity.tenant.id, name, checked.rows, by=actor())
        return redirect(url_for("ImportView.show", import_key=run.id))

    @expose("/<key:import_key>")
    @has_access
    def show(self, import_key: int) -> Response:
        """Show what an import will do, its progress, or its result."""
        run = _run_or_404(import_key)
        counts = outcome_counts(db.session(), run)
        at_work = run.state in {RunState.RUNNING, RunState.UNDOING}
        answer = make_response(
            render(
                "imports/show.html",
                title=run.file_name,
                crumbs=[*_crumbs(), (run.file_name, None)],
                run=run,
                state=state_word(run.state),
                created_at=clock.screen_time(run.created_at),
                finished_at=clock.screen_time(run.finished_at),
                tokens_at=clock.screen_time(run.tokens_issued_at),
                counts=counts,
                done=counts.undone + counts.kept if run.state == RunState.UNDOING else counts.worked_on,
                total=counts.to_undo if run.state == RunState.UNDOING else run.row_count,
                at_work=at_work,
                table=row_table(db.session(), run),
                buttons=self._buttons(run),
            )
        )
        if at_work:
            # Refresh the progress without JavaScript too.
            answer.headers["Refresh"] = str(_REFRESH_SECONDS)
        return answer

    @expose("/<key:import_key>/start", methods=["POST"])
    @has_access
    def start(self, import_key: int) -> Response:
        """Start a checked import."""
        run = _run_or_404(import_key)
        return _do(lambda: rules.start(db.session(), run, by=actor()), run, gettext("The import has been started."))

    @expose("/<key:import_key>/discard", methods=["POST"])
    @has_access
    def discard(self, import_key: int) -> Response:
        """Discard a checked import."""
        run = _run_or_404(import_key)
        return _do(lambda: rules.discard(db.session(), run), None, gettext("The file has been discarded."))

    @expose("/<key:import_key>/undo", methods=["POST"])
    @has_access
    def undo(self, import_key: int) -> Response:
        """Undo a completed import."""
        run = _run_or_404(import_key)
        return _do(
            lambda: rules.undo(db.session(), run, now=clock.utc_now(), by=actor()),
            run,
            gettext("The import is being undone."),
        )

    @expose("/<key:import_key>/tokens", methods=["POST"])
    @has_access
    def tokens(self, import_key: int) -> Response:
        """Issue the API tokens of the UTMs that an import registered, and return them as a CSV file; possible once."""
        run = _run_or_404(import_key)
        page = url_for("ImportView.show", import_key=run.id)
        try:
            issued = issue_tokens(db.session(), run, now=clock.utc_now(), by=actor())
        except DomainError as error:
            db.session.rollback()
            flash_error(message_of(error))
            return redirect(page)
        commit_with_file(page)
        answer = _csv_file(f"utm_tokens_{import_key}", [["会社ID", "UTM ID", "APIトークン"], *map(list, issued)])
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _buttons(self, run: ImportRun) -> Sequence[Button]:
        """Return the buttons for what the user can currently do with an import."""
        offered = []
        if run.state == RunState.CHECKED:
            offered = [
                ("start", N_("Import"), N_("%(rows)s rows will be imported. Are you sure?"), "primary"),
                ("discard", N_("Discard"), N_("The file will be discarded. Are you sure?"), "danger"),
            ]
        elif rules.may_undo(run, now=clock.utc_now()):
            question = N_(
                "Everything this import wrote will be undone: new customers will be deleted, new contracts voided, new UTMs"
                " removed, and changed values restored. Are you sure?"
            )
            offered = [("undo", N_("Undo"), question, "danger")]
        if run.tokens_issued_at is None and new_utms(db.session(), run):
            question = N_(
                "API tokens are issued to the new UTMs and downloaded as a file. This is possible only once, and the tokens"
                " are not stored. UTMs that have a token already are left out. Are you sure?"
            )
            offered.insert(0, ("tokens", N_("Download API tokens"), question, "primary"))
        return [
            Button(
                gettext(label),
                url_for(f"ImportView.{method}", import_key=run.id),
                values={},
                question=Question(gettext(question, rows=f"{run.row_count:,}"), gettext(label), tone),
                css="btn btn-primary" if tone == "primary" else "btn",
            )
            for method, label, question, tone in offered
            if self.appbuilder.sm.has_access(f"can_{method}", self.class_permission_name)
        ]


def _csv_file(name: str, rows: Iterable[list[str]]) -> Response:
    head, *rest = rows
    answer = make_response(b"".join(csv_lines(head, rest)))
    answer.mimetype = "text/csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _run_or_404(key: int) -> ImportRun:
    run = db.session.scalar(select(ImportRun).where(ImportRun.id == key))
    if run is None:
        abort(404)
    return run


def _do(rule: Any, run: ImportRun | None, done: str) -> Response:
    """Apply a rule to an import, and redirect with a message of success or the error.

    :param rule: the rule to call.
    :param run: the import to show afterwards; None for the list of imports.
    :param done: the success message.
    """
    page = url_for("ImportView.show", import_key=run.id) if run is not None else url_for("ImportView.list")
    try:
        rule()
        db.session.flush()
    except DomainError as error:
        db.session.rollback()
        flash_error(message_of(error))
        return redirect(page)
    flash_success(done)
    return redirect(page)


def _checked(data: bytes) -> Checked:
    """Check the rows of a file.

    :raises DomainError: the file cannot be read, or its columns are not those of the template.
    """
    (_, head), *rows = read_rows(data)
    return checked_rows(columns_of(head), rows, today=clock.tokyo_day(clock.utc_now()))


def _crumbs() -> list[tuple[Any, str | None]]:
    return [
        (gettext("Dashboard"), url_for("HomeView.index")),
        (gettext("Customers"), url_if("can_list", "Customers", "CustomerView.list")),
        (gettext("Import"), url_for("ImportView.list")),
    ]


def _upload_page(form: UploadForm, checked: Checked | None = None) -> str:
    recent = select(ImportRun).order_by(ImportRun.created_at.desc(), ImportRun.id.desc()).limit(_RECENT)
    return render(
        "imports/list.html",
        title=gettext("Import of customers"),
        crumbs=[*_crumbs()[:-1], (gettext("Import"), None)],
        form=form,
        errors=error_table(checked.errors) if checked else None,
        runs=run_table(db.session.scalars(recent).all()),
    )
