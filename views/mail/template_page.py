"""What the screens of one mail template share (§5.4.3)."""

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

CHANGED_MEANWHILE = N_("Somebody else changed this template meanwhile. Look at it again; nothing has been done.")


TEMPLATE_STATUS = formats.made_by("macros/mails.html", "template_status")
"""Shows whether a template has its default text."""


def kind_or_404(name: str) -> MailKind:
    """The template of a URL; 404 for a kind of mail that no tenant may change."""
    kind = mail_template.kind_named(name)
    if kind is None:
        abort(404)
    return kind


def own_tenant_id() -> str:
    """The tenant of the request."""
    return scope.current_tenant_id(db.session()) or abort(404)


def newest_number(kind: MailKind) -> int:
    """The number of a template's newest version in the tenant of the request, 0 when it never had one."""
    tenant_id = own_tenant_id()
    return mail_template.newest_numbers(db.session(), [tenant_id]).get((tenant_id, kind.name), 0)


def page_of(kind: MailKind) -> dict[str, Any]:
    """What every screen of one template has: its name, its placeholders with samples, where its links lead."""
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
    """Tell the person why nothing was done."""
    db.session.rollback()
    flash_error(error if isinstance(error, DomainError) else gettext(CHANGED_MEANWHILE))
