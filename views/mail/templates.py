"""メールテンプレート設定 (§5.4.3): list and show templates, edit them with a preview, and reset them to the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from models.db import db
from models.errors import Conflict, DomainError
from models.mail import placeholders
from models.mail import template as mail_template
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import EDITABLE, MailKind, MailText
from views.base import PortalView, actor, render
from views.confirmation import back_to_form, returns_to_form
from views.flashes import flash_success
from views.forms.errors import add_error
from views.forms.fields import version_shown
from views.mail.template_copy import may_copy
from views.mail.template_form import MailTemplateForm
from views.mail.template_page import TEMPLATE_STATUS, kind_or_404, newest_number, own_tenant_id, page_of, refuse
from views.screen import formats
from views.screen.conflict import Difference, compared
from views.screen.table import ICON_BUTTON, Button, Question, Table, filled_table

_SUBJECT = formats.TEXT.with_empty(lazy_gettext("An SMS has no subject"))


class _Template(NamedTuple):
    """A template of a tenant.

    :ivar own: the tenant's custom text; None while it uses the default.
    :ivar version: the number of the newest version, 0 if there is none.
    """

    kind: MailKind
    own: MailText | None
    version: int

    @property
    def subject(self) -> str | None:
        """The subject in use; None for an SMS."""
        return (self.own or self.kind.default).subject


class MailTemplateView(PortalView):
    """メールテンプレート一覧, and the pages and actions of one template."""

    route_base = "/mail-templates"
    class_permission_name = "MailTemplates"

    @expose("/")
    @has_access
    def list(self) -> str:
        """List the twelve templates with the tenant's subjects."""
        tenant_id = own_tenant_id()
        numbers = mail_template.newest_numbers(db.session(), [tenant_id])
        own = mail_template.own_texts(db.session(), [tenant_id], [kind.name for kind in EDITABLE])
        rows = [
            _Template(kind, own.get((tenant_id, kind.name)), numbers.get((tenant_id, kind.name), 0))
            for kind in EDITABLE
        ]
        return render(
            "mail/templates/list.html",
            table=self._table(rows),
            copy_url=url_for("MailTemplateCopyView.copy") if may_copy() else None,
        )

    def _table(self, rows: Sequence[_Template]) -> Table:
        return filled_table(
            [
                (gettext("Template"), formats.TEXT, self._named),
                (gettext("Subject"), _SUBJECT, lambda each: each.subject),
                (gettext("Status"), TEMPLATE_STATUS, lambda each: each.own is not None),
            ],
            rows,
            label=gettext("Mail templates"),
            buttons=self._row_buttons,
        )

    def _named(self, row: _Template) -> Markup:
        """Return the title of a template, as a link if the user may view it."""
        title, url = formats.WORD.cell(gettext(row.kind.title)), self._url_to("show", row.kind)
        return formats.linked(url, title) if url else title

    def _row_buttons(self, row: _Template) -> Sequence[Button]:
        title, found = gettext(row.kind.title), []
        if reset := self._reset_button(row, css=""):
            name = gettext("More for %(name)s", name=title)
            found.append(Button("", "", "dots", name, css=ICON_BUTTON, menu=[reset]))
        if url := self._url_to("edit", row.kind):
            found.append(Button("", url, "pencil", gettext("Change %(name)s", name=title), css=ICON_BUTTON))
        return found

    def _reset_button(self, row: _Template, **options: Any) -> Button | None:
        """Return the button that restores the default text; None without a custom text or the permission."""
        url = self._url_to("reset", row.kind)
        if row.own is None or url is None:
            return None
        label = gettext("Reset to the default")
        text = gettext("“%(title)s” will be reset to its default text. Are you sure?", title=gettext(row.kind.title))
        values = {"version": str(row.version)}
        return Button(label, url, "arrow-back-up", values=values, question=Question(text, label, "danger"), **options)

    def _url_to(self, method: str, kind: MailKind) -> str | None:
        """Return the URL of a page of a template; None if the user lacks the permission for it."""
        may = self.appbuilder.sm.has_access(f"can_{method}", "MailTemplates")
        return url_for(f"MailTemplateView.{method}", kind=kind.name) if may else None

    @expose("/<string:kind>")
    @has_access
    def show(self, kind: str) -> str:
        """Show a template's text and its preview."""
        found = kind_or_404(kind)
        version = newest_number(found)
        own = mail_template.own_text(db.session(), own_tenant_id(), found)
        text = own or mail_template.default_text(found)
        return render(
            "mail/templates/show.html",
            **page_of(found),
            text=text,
            preview=placeholders.fill(text, found, found.samples),
            custom=own is not None,
            buttons=self._page_buttons(_Template(found, own, version)),
        )

    def _page_buttons(self, row: _Template) -> Sequence[Button]:
        url = self._url_to("edit", row.kind)
        edit = Button(gettext("Change"), url, "pencil", css="btn btn-primary") if url else None
        return [each for each in (self._reset_button(row), edit) if each is not None]

    @returns_to_form
    @expose("/<string:kind>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, kind: str) -> Any:
        """Edit a template: the form, its preview (確認), then 保存 or 戻る."""
        found = kind_or_404(kind)
        # Read the number before the text: in the other order, a concurrent change in between would be overwritten.
        version = newest_number(found)
        text = mail_template.current_text(db.session(), own_tenant_id(), found)
        form = MailTemplateForm(found, text, version)
        step = request.form.get("step")
        if not form.is_submitted() or step == "back" or back_to_form():
            return _form_page(found, form), 200
        if not form.validate():
            return _form_page(found, form), 422
        if step == "save":
            return self._save(found, form)
        if form.text() == text and form.version.shown == version:
            form.form_errors.append(gettext(mail_template_rules.NOTHING_CHANGED))
            return _form_page(found, form), 422
        preview = placeholders.fill(form.text(), found, found.samples)
        return render("mail/templates/preview.html", **page_of(found), form=form, preview=preview), 200

    @staticmethod
    def _save(kind: MailKind, form: MailTemplateForm) -> Any:
        tenant_id, version = own_tenant_id(), form.version.shown
        try:
            mail_template_rules.save(db.session(), tenant_id, kind, form.text(), version=version, by=actor())
            db.session.flush()
        except Conflict:
            return _conflict(kind, form)
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return _form_page(kind, form), 422
        flash_success(gettext("The mail template has been saved."))
        return redirect(url_for("MailTemplateView.list"))

    @expose("/<string:kind>/reset", methods=["POST"])
    @has_access
    def reset(self, kind: str) -> Response:
        """Reset a template to its default text."""
        found = kind_or_404(kind)
        version = version_shown(request.form.get("version"))
        try:
            mail_template_rules.reset(db.session(), own_tenant_id(), found, version=version, by=actor())
            db.session.flush()
        except (Conflict, DomainError) as error:
            refuse(error)
        else:
            flash_success(gettext("The mail template has its default text again."))
        return redirect(url_for("MailTemplateView.list"))


def _conflict(kind: MailKind, form: MailTemplateForm) -> Any:
    """Return the form with the concurrently saved values beside the typed ones; saving again overwrites them."""
    db.session.rollback()
    form.version.data = str(newest_number(kind))
    stored = mail_template.current_text(db.session(), own_tenant_id(), kind)
    return _form_page(kind, form, form.differences(stored)), 409


def _form_page(kind: MailKind, form: MailTemplateForm, differences: list[Difference] | None = None) -> str:
    return render("mail/templates/form.html", **page_of(kind), form=form, conflict=compared(differences))
