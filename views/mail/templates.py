"""メールテンプレート設定 (§5.4.3): the list, one template, changing it with a preview, going back to the default."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from werkzeug.wrappers import Response

from models.db import db
from models.errors import Conflict, DomainError
from models.mail import placeholders
from models.mail import template as mail_template
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import EDITABLE, MailKind, MailText
from views.base import PortalView, actor, render
from views.forms.fields import version_shown
from views.mail.template_copy import may_copy
from views.mail.template_form import MailTemplateForm
from views.mail.template_page import kind_or_404, newest_number, own_tenant_id, page_of, refuse


class MailTemplateView(PortalView):
    """メールテンプレート一覧 and what is done with one template."""

    route_base = "/mail-templates"
    class_permission_name = "MailTemplates"

    @expose("/")
    @has_access
    def list(self) -> str:
        """List the twelve templates with the tenant's subjects."""
        tenant_id = own_tenant_id()
        numbers = mail_template.newest_numbers(db.session(), [tenant_id])
        own = mail_template.own_texts(db.session(), [tenant_id], [kind.name for kind in EDITABLE])
        return render(
            "mail/templates/list.html",
            templates=[
                self._row(kind, own.get((tenant_id, kind.name)), numbers.get((tenant_id, kind.name), 0))
                for kind in EDITABLE
            ],
            copy_url=url_for("MailTemplateCopyView.copy") if may_copy() else None,
        )

    def _row(self, kind: MailKind, own: MailText | None, number: int) -> dict[str, Any]:
        return {
            "name": kind.name,
            "title": gettext(kind.title),
            "subject": (own or kind.default).subject,
            "custom": own is not None,
            "version": number,
            "url": self._url_to("show", kind),
            "edit_url": self._url_to("edit", kind),
            "reset_url": self._url_to("reset", kind) if own else None,
        }

    def _url_to(self, method: str, kind: MailKind) -> str | None:
        """Where one of a template's pages is, None for who may not see it."""
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
            version=version,
            edit_url=self._url_to("edit", found),
            reset_url=self._url_to("reset", found) if own else None,
        )

    @expose("/<string:kind>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, kind: str) -> Any:
        """Change a template: the form, its preview (確認), then 保存 or 戻る."""
        found = kind_or_404(kind)
        # The number before the text: were they the other way round, a change between them would be overwritten.
        version = newest_number(found)
        text = mail_template.current_text(db.session(), own_tenant_id(), found)
        form = MailTemplateForm(found, text, version)
        step = request.form.get("step")
        if not form.is_submitted() or step == "back":
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
            form.form_errors.append(gettext(error.message))
            return _form_page(kind, form), 422
        flash(gettext("The mail template has been saved."), "success")
        return redirect(url_for("MailTemplateView.list"))

    @expose("/<string:kind>/reset", methods=["POST"])
    @has_access
    def reset(self, kind: str) -> Response:
        """Go back to the default text."""
        found = kind_or_404(kind)
        version = version_shown(request.form.get("version"))
        try:
            mail_template_rules.reset(db.session(), own_tenant_id(), found, version=version, by=actor())
            db.session.flush()
        except (Conflict, DomainError) as error:
            refuse(error)
        else:
            flash(gettext("The mail template has its default text again."), "success")
        return redirect(url_for("MailTemplateView.list"))


def _conflict(kind: MailKind, form: MailTemplateForm) -> Any:
    """The form again, with what the other saved beside what was typed; saving once more is then a choice."""
    db.session.rollback()
    form.version.data = str(newest_number(kind))
    stored = mail_template.current_text(db.session(), own_tenant_id(), kind)
    return _form_page(kind, form, form.differences(stored)), 409


def _form_page(kind: MailKind, form: MailTemplateForm, differences: list[dict[str, str]] | None = None) -> str:
    return render("mail/templates/form.html", **page_of(kind), form=form, differences=differences)
