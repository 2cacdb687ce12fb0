"""The versions of a mail template: who changed it and when, its text, and restoring one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.db import db
from models.errors import Conflict, DomainError
from models.mail import placeholders
from models.mail import template as mail_template
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import MailKind
from models.mail.template import MailTemplateVersion, VersionReason
from views.arguments import page_number
from views.base import PAGE_SIZE, PortalView, actor, render
from views.flashes import flash_success
from views.forms.fields import version_shown
from views.mail.template_page import TEMPLATE_STATUS, kind_or_404, newest_number, own_tenant_id, page_of, refuse
from views.screen import formats
from views.screen.table import Button, Empty, Question, Table, filled_table


class MailTemplateVersionView(PortalView):
    """The version history (変更履歴) of a template."""

    route_base = "/mail-templates/<string:kind>/versions"
    class_permission_name = "MailTemplates"

    @expose("/")
    @has_access
    def history(self, kind: str) -> str:
        """List the versions of a template, newest first."""
        found = kind_or_404(kind)
        count = newest_number(found)
        pages = max(1, -(-count // PAGE_SIZE))
        page = min(page_number(), pages)
        rows = db.session.scalars(
            select(MailTemplateVersion)
            .where(MailTemplateVersion.kind == found.name)
            .order_by(MailTemplateVersion.number.desc())
            .limit(PAGE_SIZE)
            .offset((page - 1) * PAGE_SIZE)
        ).all()
        return render(
            "mail/templates/history.html",
            **page_of(found),
            table=_table(found, rows, count=count, page=page, pages=pages),
        )

    @expose("/<key:version_key>")
    @has_access
    def version(self, kind: str, version_key: int) -> str:
        """Show a version with its preview."""
        found = kind_or_404(kind)
        version = _version_or_404(found, version_key)
        newest = newest_number(found)
        text = version.text or mail_template.default_text(found)
        in_force = version.text == mail_template.own_text(db.session(), own_tenant_id(), found)
        may = self.appbuilder.sm.has_access("can_restore", "MailTemplates") and not in_force
        return render(
            "mail/templates/version.html",
            **page_of(found),
            page_name=_name(version),
            facts=_facts(version, in_force=in_force),
            text=text,
            preview=placeholders.fill(text, found, found.samples),
            restore=_restore_button(found, version, newest) if may else None,
        )

    @expose("/<key:version_key>/restore", methods=["POST"])
    @has_access
    def restore(self, kind: str, version_key: int) -> Response:
        """Restore a version."""
        found = kind_or_404(kind)
        old = _version_or_404(found, version_key)
        version = version_shown(request.form.get("version"))
        try:
            mail_template_rules.restore(db.session(), found, old, version=version, by=actor())
            db.session.flush()
        except (Conflict, DomainError) as error:
            refuse(error)
        else:
            flash_success(gettext("The version has been restored."))
        return redirect(url_for("MailTemplateVersionView.history", kind=kind))


def _version_or_404(kind: MailKind, version_key: int) -> MailTemplateVersion:
    version = db.session.scalar(
        select(MailTemplateVersion).where(MailTemplateVersion.id == version_key, MailTemplateVersion.kind == kind.name)
    )
    if version is None:
        abort(404)
    return version


def _name(version: MailTemplateVersion) -> str:
    return gettext("Version %(number)s", number=version.number)


def _table(kind: MailKind, versions: Sequence[MailTemplateVersion], **options: Any) -> Table:
    def linked(version: MailTemplateVersion) -> Markup:
        url = url_for("MailTemplateVersionView.version", kind=kind.name, version_key=version.id)
        return formats.linked(url, formats.WORD.cell(_name(version)))

    return filled_table(
        [
            (gettext("Version"), formats.PLAIN, linked),
            (gettext("When"), formats.TIME, lambda version: version.created_at),
            (gettext("Who"), formats.TEXT, lambda version: version.actor),
            (gettext("What"), formats.TEXT, _what),
            (gettext("Status"), TEMPLATE_STATUS, lambda version: version.body is not None),
        ],
        versions,
        label=gettext(kind.title),
        empty=Empty("history", gettext("Nobody has changed this template yet."), gettext("It has the default text.")),
        **options,
    )


def _facts(version: MailTemplateVersion, *, in_force: bool) -> list[tuple[str, Any, str]]:
    status = TEMPLATE_STATUS.cell(version.body is not None)
    return [
        (gettext("When"), formats.TIME.cell(version.created_at), "tnum"),
        (gettext("Who"), version.actor, ""),
        (gettext("What"), _what(version), ""),
        (gettext("Status"), status + " " + gettext("This text is in use.") if in_force else status, ""),
    ]


def _restore_button(kind: MailKind, version: MailTemplateVersion, newest: int) -> Button:
    """Return the button that restores a version.

    :param newest: the number of the newest version.
    """
    text = gettext("The text of version %(number)s will be restored. Are you sure?", number=version.number)
    return Button(
        gettext("Restore"),
        url_for("MailTemplateVersionView.restore", kind=kind.name, version_key=version.id),
        "refresh",
        values={"version": str(newest)},
        question=Question(text, gettext("Restore version")),
        css="btn btn-primary",
    )


def _what(version: MailTemplateVersion) -> str:
    """Return a description of the change that created a version."""
    match version.happening:
        case VersionReason.RESET:
            return gettext("Reset to the default")
        case VersionReason.COPIED:
            return gettext("Copied from another tenant")
        case VersionReason.RESTORED:
            return gettext("Restored version %(number)s", number=version.restored_number)
        case _:
            return gettext("Saved")
