"""Functions shared by the screens of a mail template (§5.4.3)."""

from __future__ import annotations

from typing import Any

from flask import abort, url_for
from flask_babel import gettext

from models import scope
from models.db import db
from models.errors import N_, Conflict, DomainError
from models.mail import template as mail_template
from models.mail.kinds import MailKind
from views.flashes import flash_error
from views.screen import formats

CHANGED_MEANWHILE = N_("Somebody else has changed this template. Nothing has been done. Check the template again.")


TEMPLATE_STATUS = formats.made_by("macros/mails.html", "template_status")
"""The column format that shows whether a template has its default text."""


def kind_or_404(name: str) -> MailKind:
    """Return the kind of mail in a URL; 404 if it has no template that tenants may change."""
    kind = mail_template.kind_named(name)
    if kind is None:
        abort(404)
    return kind


def own_tenant_id() -> str:
    """Return the ID of the request's tenant; 404 if there is none."""
    return scope.current_tenant_id(db.session()) or abort(404)


def newest_number(kind: MailKind) -> int:
    """Return the number of a template's newest version in the request's tenant, 0 if there is none."""
    tenant_id = own_tenant_id()
    return mail_template.newest_numbers(db.session(), [tenant_id]).get((tenant_id, kind.name), 0)


def page_of(kind: MailKind) -> dict[str, Any]:
    """Return the context shared by all screens of a template: its title, its placeholders with samples, and URLs."""
    return {
        "about": {
            "title": gettext(kind.title),
            "sms": kind.sms,
            "placeholders": [{"text": f"{{{{{name}}}}}", "sample": sample} for name, sample in kind.samples.items()],
        },
        "templates_url": url_for("MailTemplateView.list"),
        "template_url": url_for("MailTemplateView.show", kind=kind.name),
        "history_url": url_for("MailTemplateVersionView.history", kind=kind.name),
    }


def refuse(error: Conflict | DomainError) -> None:
    """Roll back, and show the user why nothing was done."""
    db.session.rollback()
    flash_error(error if isinstance(error, DomainError) else gettext(CHANGED_MEANWHILE))
