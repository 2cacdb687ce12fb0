"""追加項目 of the chosen tenant's application form, kept by NEC staff."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice

from models import clock
from models.applications import extra_question, extra_question_rules
from models.applications.extra_question import TITLE_LENGTH, ApplicationField, FieldKind
from models.db import db
from models.errors import Conflict, DomainError
from views.base import PortalModelView, actor, render
from views.data_interface import PortalInterface
from views.forms.errors import add_error
from views.forms.fields import AtMost, MemoField, Needed, OneLine, TextField, VersionField

KIND_LABELS = {FieldKind.TEXT: lazy_gettext("Free text"), FieldKind.CHOICE: lazy_gettext("Selection")}
_STEPS = {"up": -1, "down": 1}


class FieldForm(FlaskForm):
    """One question."""

    title = TextField(lazy_gettext("Item name"), [Needed(), AtMost(TITLE_LENGTH), OneLine()])
    required = BooleanField(lazy_gettext("Must be answered"))
    kind = RadioField(
        lazy_gettext("Form of the answer"),
        choices=[SelectChoice(kind.value, label) for kind, label in KIND_LABELS.items()],
        invalid_choice_message=lazy_gettext("Choose one of these."),
        default=FieldKind.TEXT.value,
    )
    choices = MemoField(lazy_gettext("Options"))
    version = VersionField()

    def values(self) -> dict[str, Any]:
        """The fields in the form in which they are stored."""
        lines = [line.strip() for line in (self.choices.data or "").splitlines()]
        return {
            "title": self.title.data,
            "required": self.required.data,
            "kind": self.kind.data,
            "choices": [line for line in lines if line],
        }

    def differences(self, stored: ApplicationField) -> list[dict[str, str]]:
        """Where what is typed differs from what is stored: the label and both values."""
        theirs = FieldForm(formdata=None, data=_typed(stored))
        return [
            {"label": str(field.label.text), "stored": _told(theirs[field.name]), "typed": _told(field)}
            for field in (self.title, self.required, self.kind, self.choices)
            if _told(theirs[field.name]) != _told(field)
        ]


class ApplicationFieldView(PortalModelView):
    """追加項目: those in use in the order in which they are asked, then the retired ones."""

    datamodel = PortalInterface(ApplicationField)
    route_base = "/application-fields"
    class_permission_name = "ApplicationFields"
    include_route_methods = {"list", "add", "edit", "move", "restore", "retire"}
    base_order = ("position", "asc")
    list_columns: ClassVar = ["title", "required", "kind"]
    search_columns: ClassVar = ["title"]
    show_columns: ClassVar = ["title"]
    add_columns: ClassVar = ["title", "required", "kind"]
    edit_columns: ClassVar = ["title", "required", "kind"]

    @expose("/")
    @has_access
    def list(self) -> str:
        """List every question ever asked."""
        fields = extra_question.every(db.session())
        return render(
            "applications/extra_questions.html",
            fields=[_row(field) for field in fields if field.retired_at is None],
            retired=[_row(field) for field in fields if field.retired_at is not None],
            add_url=url_for("ApplicationFieldView.add"),
            settings_url=url_for("TenantSettingsView.show"),
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Put a question at the end of the form."""
        form = FieldForm()
        if not form.validate_on_submit():
            return _form_page(form, None), 422 if form.is_submitted() else 200
        try:
            extra_question_rules.add(db.session(), form.values(), by=actor())
            db.session.commit()
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, extra_question_rules.UNIQUE_ERRORS)
            return _form_page(form, None), 422
        flash(gettext("The item has been added."), "success")
        return redirect(url_for("ApplicationFieldView.list"))

    @expose("/<key:field_key>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, field_key: int) -> Any:
        """Change what a question asks."""
        field = _field_or_404(field_key)
        form = FieldForm(data=_typed(field))
        if not form.validate_on_submit():
            return _form_page(form, field), 422 if form.is_submitted() else 200
        try:
            extra_question_rules.change(db.session(), field, form.values(), version=form.version.shown, by=actor())
            db.session.commit()
        except Conflict:
            db.session.rollback()
            field = _field_or_404(field_key)
            form.version.data = str(field.version)
            return _form_page(form, field, conflict=True), 409
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, extra_question_rules.UNIQUE_ERRORS)
            return _form_page(form, _field_or_404(field_key)), 422
        flash(gettext("The item has been changed."), "success")
        return redirect(url_for("ApplicationFieldView.list"))

    @expose("/<key:field_key>/move", methods=["POST"])
    @has_access
    def move(self, field_key: int) -> Any:
        """Move a question up or down the form."""
        field = _field_or_404(field_key)
        steps = _STEPS.get(request.form.get("direction", ""), 0)
        extra_question_rules.move(db.session(), field, steps=steps, by=actor())
        db.session.commit()
        return redirect(url_for("ApplicationFieldView.list"))

    @expose("/<key:field_key>/retire", methods=["POST"])
    @has_access
    def retire(self, field_key: int) -> Any:
        """Ask a question no more."""
        extra_question_rules.retire(db.session(), _field_or_404(field_key), now=clock.utc_now(), by=actor())
        db.session.commit()
        flash(gettext("The item has been retired."), "success")
        return redirect(url_for("ApplicationFieldView.list"))

    @expose("/<key:field_key>/restore", methods=["POST"])
    @has_access
    def restore(self, field_key: int) -> Any:
        """Ask a retired question again."""
        try:
            extra_question_rules.bring_back(db.session(), _field_or_404(field_key), by=actor())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(gettext(error.message), "danger")
        else:
            flash(gettext("The item is asked again."), "success")
        return redirect(url_for("ApplicationFieldView.list"))


def _form_page(form: FieldForm, field: ApplicationField | None, *, conflict: bool = False) -> str:
    return render(
        "applications/extra_question_form.html",
        form=form,
        field=field,
        differences=form.differences(field) if conflict and field else None,
        settings_url=url_for("TenantSettingsView.show"),
        back_url=url_for("ApplicationFieldView.list"),
    )


def _typed(field: ApplicationField) -> dict[str, Any]:
    """A question as the form has it: a line for each option."""
    return {
        "title": field.title,
        "required": field.required,
        "kind": field.kind,
        "choices": "\n".join(field.choices),
        "version": str(field.version),
    }


def _told(field: Any) -> str:
    """A field's value as the screen says it."""
    if isinstance(field, BooleanField):
        return gettext("Yes") if field.data else gettext("No")
    if isinstance(field, RadioField):
        return str(KIND_LABELS.get(field.data, ""))
    return field.data or ""


def _row(field: ApplicationField) -> dict[str, Any]:
    urls = {
        f"{method}_url": url_for(f"ApplicationFieldView.{method}", field_key=field.id)
        for method in ("edit", "move", "retire", "restore")
    }
    return {name: getattr(field, name) for name in ("id", "title", "required", "kind", "choices")} | urls


def _field_or_404(field_key: int) -> ApplicationField:
    found = db.session.scalar(select(ApplicationField).where(ApplicationField.id == field_key))
    if found is None:
        abort(404)
    return found
