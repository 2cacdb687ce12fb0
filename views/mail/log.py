"""メール送信履歴: every mail of every tenant, for NEC's staff. Reading is not audited, sending again is."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models import clock
from models.errors import DomainError
from models.mail import log as mail_log
from models.mail import outbox
from models.mail.kinds import KINDS
from models.mail.outbox import MailMessage, MailState
from models.scope import all_tenants
from models.tenants.tenant import Tenant
from views.arguments import key_or_none
from views.base import PortalView, actor, render
from views.mail.filters import STATE_LABELS, MailFilters, read_filters
from views.redirects import local_path
from views.transaction import cross_tenant_session

_REASON = "NEC's staff look after the mail of every tenant"
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


class MailLogView(PortalView):
    """The mail log."""

    route_base = "/staff/mail"
    class_permission_name = "MailLog"
    tenantless = True

    @expose("/")
    @has_access
    def list(self) -> str:
        """The messages that the conditions leave, newest first."""
        filters = read_filters(request.args)
        before, after = _position("before"), _position("after")
        with all_tenants(_REASON) as session:
            found = mail_log.page(session, filters.query, position=before or after, backwards=before is not None)
            whole = not (before or after or found.has_next)
            count = len(found.rows) if whole else mail_log.capped_count(session, filters.query)
        rows = [_row(row) for row in found.rows]
        return render(
            "mail/log.html",
            filters=filters.fields,
            mails=rows,
            count=count,
            before=rows[0]["id"] if rows and found.has_previous else None,
            after=rows[-1]["id"] if rows and found.has_next else None,
            again=self._again(filters, count),
        )

    def _again(self, filters: MailFilters, count: int) -> dict[str, Any] | None:
        """The button that sends all failed ones again; None where failed ones are not what is listed."""
        may = self.appbuilder.sm.has_access("can_send_failed_again", self.class_permission_name)
        if not may or not count or filters.query.state != MailState.FAILED:
            return None
        return {
            "url": url_for("MailLogView.send_failed_again"),
            "count": min(count, mail_log.MOST_AT_ONCE),
            "more": count > mail_log.MOST_AT_ONCE,
            "values": filters.arguments,
        }

    @expose("/<key:mail_key>")
    @has_access
    def show(self, mail_key: int) -> str:
        """One message with its text."""
        with all_tenants(_REASON) as session:
            message = _message_or_404(session, mail_key)
            tenant = session.get(Tenant, message.tenant_id) if message.tenant_id else None
            copies = outbox.copies(session, message)
            return render(
                "mail/message.html",
                mail=_row(message) | {"tenant_name": tenant.name if tenant else None},
                message_id=outbox.header_id(message.message_id, current_app.config["MAIL_DEFAULT_SENDER"]),
                body=_parts(message),
                original_url=_url(message.resent_from) if message.resent_from else None,
                copies=[(number, _url(number)) for number in copies],
                again_url=self._again_url(message),
                refusal=gettext(message.refusal) if message.refusal else None,
                seen=outbox.stamp(message, copies),
            )

    def _again_url(self, message: MailMessage) -> str | None:
        may = self.appbuilder.sm.has_access("can_send_again", self.class_permission_name)
        return url_for("MailLogView.send_again", mail_key=message.id) if may and message.refusal is None else None

    @expose("/<key:mail_key>/again", methods=["POST"])
    @has_access
    def send_again(self, mail_key: int) -> Response:
        """Send one message again."""
        session = cross_tenant_session(_REASON)
        message = _message_or_404(session, mail_key)
        try:
            outbox.send_again(session, message, now=clock.utc_now(), by=actor(), seen=request.form.get("seen", ""))
            session.flush()
        except DomainError as error:
            session.rollback()
            flash(gettext(error.message), "danger")
        else:
            flash(gettext("The mail will be sent again."), "success")
        return redirect(_url(mail_key))

    @expose("/again", methods=["POST"])
    @has_access
    def send_failed_again(self) -> Response:
        """Send the failed messages that the conditions leave again."""
        filters = read_filters(request.form)
        session = cross_tenant_session(_REASON)
        count = mail_log.send_failed_again(session, filters.query, now=clock.utc_now(), by=actor())
        if count:
            flash(gettext("Failed mails that will be sent again: %(count)s", count=count), "success")
        else:
            flash(gettext("There was no failed mail left to send again."), "warning")
        return redirect(url_for("MailLogView.list", **filters.arguments))


def _message_or_404(session: Session, mail_key: int) -> MailMessage:
    message = session.scalar(select(MailMessage).where(MailMessage.id == mail_key))
    if message is None:
        abort(404)
    return message


def _row(message: Any) -> dict[str, Any]:
    """What the templates show of a message, or of a row of the list."""
    return {
        "id": message.id,
        "url": _url(message.id),
        "written_at": clock.screen_time(message.created_at),
        "kind": gettext(KINDS[message.kind].label) if message.kind in KINDS else message.kind,
        "tenant_id": message.tenant_id,
        "tenant_name": getattr(message, "tenant_name", None),
        "recipient": message.recipient,
        "subject": message.subject,
        "state": message.state,
        "state_label": STATE_LABELS[MailState(message.state)],
        "attempts": message.attempts,
        "next_attempt_at": clock.screen_time(message.next_attempt_at) if message.state == MailState.PENDING else "",
        "sent_at": clock.screen_time(message.sent_at),
        "error": message.last_error,
    }


def _url(number: int) -> str:
    return url_for("MailLogView.show", mail_key=number)


def _parts(message: MailMessage) -> list[tuple[str, str | None]]:
    """The body in parts: a text, and where it leads when it is a link into this portal that works.

    The secret part of a link is shown in the demonstration alone, which has no mailbox of its readers.
    """
    if not current_app.config["PORTAL_DEMO"] or message.secret is None:
        return [(message.shown_body, None)]
    body = message.whole_body
    parts: list[tuple[str, str | None]] = []
    end = 0
    for found in _URL.finditer(body):
        parts += [(body[end : found.start()], None), (found[0], _local(found[0]))]
        end = found.end()
    return [*parts, (body[end:], None)]


def _local(url: str) -> str | None:
    """The path of an address of this portal, None for one of anywhere else."""
    home = urlsplit(current_app.config["PORTAL_URL"])
    origin = f"{home.scheme}://{home.netloc}"
    return local_path(url.removeprefix(origin)) if url.startswith(f"{origin}/") else None


def _position(name: str) -> int | None:
    """The number of the row a page starts at; None, the first page, when the argument is nonsense."""
    return key_or_none(request.args.get(name))
