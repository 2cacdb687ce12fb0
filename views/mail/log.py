"""メール送信履歴: all mails of all tenants, for NEC staff. Sending a mail again is audited, reading is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flask import abort, current_app, get_template_attribute, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from models import clock
from models.errors import N_
from models.mail import log as mail_log
from models.mail import outbox
from models.mail.kinds import KINDS
from models.mail.outbox import MailMessage, MailState
from models.tenants.tenant import Tenant
from views.arguments import key_or_none
from views.base import actor
from views.data_interface import PortalInterface
from views.flashes import flash_success, flash_warning
from views.mail.filters import STATE_LABELS, mail_query, read_filters
from views.redirects import local_path
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Search
from views.screen.formats import Format
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.screen.table import Button, Question, Table
from views.transaction import cross_tenant_session

_REASON = "NEC's staff look after the mail of every tenant"
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
STATE_TONES = {MailState.PENDING: "orange", MailState.SENT: "green", MailState.FAILED: "red"}


def _kind(name: str) -> str:
    return gettext(KINDS[name].label) if name in KINDS else name


class MailLogView(Screen):
    """The mail log across tenants: read-only, with keyset pagination."""

    datamodel = PortalInterface(MailMessage)
    labels = Labels(
        lazy_gettext("mail"),
        lazy_gettext("Sent mail"),
        "mail",
        {
            "empty": N_("No mail has been sent yet."),
            "empty_hint": N_("All mails sent by the portal are listed here."),
            "no_match": N_("No mail matches these conditions."),
            "no_match_hint": N_("Part of the address is enough."),
            "show_all": N_("Show all mail"),
        },
    )
    methods = frozenset({"list", "show"})
    route_base = "/staff/mail"
    row_rule = "<key:mail_key>"
    class_permission_name = "MailLog"
    named_by = "subject"
    tenantless = True
    # Entries say only that a mail was sent again, and to whom.
    history_omits = (
        *("body", "attachment", "message_id", "lease_owner", "lease_until", "resent_from", "request_id", "utm_id"),
    )
    csv = False
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    show_template = "mail/message.html"
    link_column = "subject"
    list_columns: ClassVar = ["created_at", "kind", "tenant", "recipient", "subject", "status"]
    order_columns: ClassVar = []
    show_fieldsets: ClassVar = [
        (
            lazy_gettext("Delivery"),
            {
                "fields": [
                    *("state", "recipient", "kind", "tenant", "created_at", "attempts", "next_attempt_at", "sent_at"),
                    *("last_error", "header_id"),
                ],
                "more": ["returned_at", "return_status", "return_reason"],
            },
        )
    ]
    label_columns: ClassVar = {
        "created_at": lazy_gettext("Written"),
        "kind": lazy_gettext("Kind"),
        "tenant": lazy_gettext("Tenant"),
        "recipient": lazy_gettext("Recipient"),
        "subject": lazy_gettext("Subject"),
        "status": lazy_gettext("Status"),
        "state": lazy_gettext("Status"),
        "attempts": lazy_gettext("Attempts"),
        "next_attempt_at": lazy_gettext("Next attempt"),
        "sent_at": lazy_gettext("Sent at"),
        "last_error": lazy_gettext("Last error"),
        "header_id": "Message-ID",
        "returned_at": lazy_gettext("Returned at"),
        "return_status": lazy_gettext("Status of the return"),
        "return_reason": lazy_gettext("Reason given by the mail server"),
    }
    formatters_columns: ClassVar = {
        "recipient": formats.EMAIL,
        "kind": Format(_kind, _kind, css="text"),
        "tenant": formats.TEXT,
        "subject": Format(css="text roomy"),
        "status": Format(css="text roomy"),
        "state": formats.badge(STATE_LABELS, STATE_TONES),
        "last_error": formats.LINES,
        "return_reason": formats.LINES,
        "header_id": formats.CODE,
    }

    def search(self) -> Search:
        """Return the search fields with the values of the query arguments."""
        return Search(read_filters(request.args))

    def tables(self, search: Search) -> list[Table]:
        """Return the table with one page of messages, newest first."""
        before, after = key_or_none(request.args.get("before")), key_or_none(request.args.get("after"))
        query = mail_query(search)
        session = cross_tenant_session(_REASON)
        found = mail_log.page(session, query, position=before or after, backwards=before is not None)
        whole = not (before or after or found.has_next)
        table = self.table(found.rows, empty=self.empty(searched=bool(search.active)))
        table.count = len(found.rows) if whole else mail_log.capped_count(session, query)
        table.before = str(found.rows[0].id) if found.rows and found.has_previous else None
        table.after = str(found.rows[-1].id) if found.rows and found.has_next else None
        return [table]

    def list_links(self, search: Search, tables: Sequence[Table]) -> Sequence[Button]:
        """Return the link to the undeliverable addresses, and a button if only failed mails are listed.

        The button sends the listed mails again.
        """
        count = tables[0].count or 0
        addresses = Button(gettext("Undeliverable addresses"), url_for("UndeliverableView.list"), "ban")
        if not self.may("send_failed_again") or not count or mail_query(search).state != MailState.FAILED:
            return [addresses]
        text = gettext(
            "%(count)s failed mails will be sent again. Are you sure?", count=min(count, mail_log.MAX_AT_ONCE)
        )
        if count > mail_log.MAX_AT_ONCE:
            text += "\n" + gettext(
                "There are more failed mails. The oldest are sent first; press again for the others."
            )
        values = {each.name: each.value for each in search.active}
        question = Question(text, gettext("Send failed mails again"))
        again = Button(gettext("Send failed again"), self.url("send_failed_again"), "send", "", values, question)
        return [again, addresses]

    def key_of(self, row: Any) -> Any:
        """Return the key of a message or a row of the list."""
        return row.id

    def window_details(self, row: Any) -> Sequence[str]:
        """Return when a message was written and its number: many messages have the same subject."""
        return [clock.screen_time(row.created_at), f"#{row.id}"]

    def value(self, row: Any, name: str) -> Any:
        """Return the value of a column for a message or a row of the list."""
        match name:
            case "tenant":
                return get_template_attribute("macros/mails.html", "tenant_of_mail")(row.tenant_id, self._tenant(row))
            case "status":
                return get_template_attribute("macros/mails.html", "delivery")(row, STATE_LABELS, STATE_TONES)
            case "next_attempt_at":
                return row.next_attempt_at if row.state == MailState.PENDING else None
            case "header_id":
                return outbox.header_id(row.message_id, current_app.config["MAIL_DEFAULT_SENDER"])
            case _:
                return super().value(row, name)

    @staticmethod
    def _tenant(row: Any) -> str | None:
        """Return the name of a message's tenant, None if it has none."""
        if hasattr(row, "tenant_name") or row.tenant_id is None:
            return getattr(row, "tenant_name", None)
        tenant = cross_tenant_session(_REASON).get(Tenant, row.tenant_id)
        return tenant.name if tenant is not None else None

    def row_or_404(self, pk: Any, *, deleted: bool = False) -> Any:
        """Return a message of any tenant; 404 if it does not exist."""
        message = cross_tenant_session(_REASON).get(MailMessage, pk)
        if message is None:
            abort(404)
        return message

    def refusal(self, method: str, row: Any) -> str | None:
        """Return the reason why a message cannot be sent again, None if it can."""
        return row.refusal if method == "send_again" else None

    def copies(self, message: MailMessage) -> list[str]:
        """Return the URLs of the copies of a message that were sent later, oldest first."""
        found = outbox.copies(cross_tenant_session(_REASON), message)
        return [url_for("MailLogView.show", mail_key=number) for number in found]

    def body(self, message: MailMessage) -> list[tuple[str, str | None]]:
        """Return the body in parts: each a text, and its local path if it is a working link into this portal, else None.

        Secrets in links are shown only in the demonstration, where the recipients have no mailboxes.
        """
        if not current_app.config["PORTAL_DEMO"] or message.secret is None:
            return [(message.shown_body, None)]
        text = message.whole_body
        parts: list[tuple[str, str | None]] = []
        end = 0
        for found in _URL.finditer(text):
            parts += [(text[end : found.start()], None), (found[0], _local(found[0]))]
            end = found.end()
        return [*parts, (text[end:], None)]

    def named_in_question(self, row: Any) -> str:
        """Return the recipient of a message."""
        return str(row.recipient)

    def after_action(self, rows: list[Any]) -> str:
        """Return the URL of the message's page."""
        return self.url("show", rows[0])

    def action_values(self, action: Any, row: Any) -> dict[str, str]:
        """Return the form values of an action's button: a stamp of the message's state when the page was rendered."""
        return {"seen": outbox.stamp(row, outbox.copies(cross_tenant_session(_REASON), row))}

    @action(
        N_("Send again"),
        icon="send",
        question=N_("The mail to %(name)s will be sent again. Are you sure?"),
        done=N_("The mail will be sent again."),
        when=lambda row: row.refusal is None,
        single=False,
        on_page=True,
        url="/{row}/again",
    )
    def send_again(self, row: Any) -> str:
        """Send one message again and return the URL of its page."""
        seen = request.form.get("seen", "")
        outbox.send_again(cross_tenant_session(_REASON), row, now=clock.utc_now(), by=actor(), seen=seen)
        return self.url("show", row)

    @expose("/again", methods=["POST"])
    @has_access
    def send_failed_again(self) -> Response:
        """Send the failed messages that match the search conditions again."""
        search = Search(read_filters(request.form))
        session = cross_tenant_session(_REASON)
        count = mail_log.send_failed_again(session, mail_query(search), now=clock.utc_now(), by=actor())
        if count:
            flash_success(gettext("Failed mails that will be sent again: %(count)s", count=count))
        else:
            flash_warning(gettext("There is no failed mail left to send again."))
        return redirect(self.url("list", **{each.name: each.value for each in search.active}))


def _local(url: str) -> str | None:
    """Return the local path of a URL of this portal, None for any other URL."""
    home = urlsplit(current_app.config["PORTAL_URL"])
    origin = f"{home.scheme}://{home.netloc}"
    return local_path(url.removeprefix(origin)) if url.startswith(f"{origin}/") else None
