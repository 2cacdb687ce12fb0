"""The pages with which a partner creates a ticket (§11.2) and updates it (更新).

Creating has two steps on pages of their own, as in the manual, with and without JavaScript: the form, and what was typed with
戻る and 作成. Files are stored when the first step is sent (``models.tickets.ticket_file``); the second has only their keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models import clock
from models.db import db
from models.errors import N_, DomainError
from models.tickets import rules, subject
from models.tickets.subject import Subject
from models.tickets.ticket import Ticket
from models.tickets.ticket_file import TicketFile
from views.arguments import key_or_none
from views.base import actor, render
from views.confirmation import back_to_form, returns_to_form
from views.flashes import flash_success
from views.forms.errors import add_error
from views.tickets.forms import ReplyForm, TicketForm
from views.tickets.labels import COLUMN_LABELS, FORMATS
from views.tickets.prepared import prepared_text
from views.tickets.thread import about, notice, shown_file
from views.tickets.tickets import TicketView
from views.tickets.update import TicketUpdateView

_ABOUT = ("customer", "utm", "alert", "alert_at")


class TicketFormView(TicketUpdateView):
    """The forms of the partner's operators."""

    route_base = "/tickets"
    class_permission_name = "Tickets"
    tickets = TicketView
    form_class = ReplyForm
    title = N_("Update")
    changed = ("state", "priority")
    rule = staticmethod(rules.reply)

    @returns_to_form
    @expose("/create", methods=["GET", "POST"])
    @has_access
    def create(self) -> Any:
        """Show the form, what was typed, or the list with the new ticket."""
        found = _subject()
        if request.method == "GET":
            return _create_page(TicketForm(data=prepared_text(request.args.get("purpose", ""))), found)
        form = TicketForm()
        valid = form.validate()
        files = form.receive(g.identity.tenant.id, g.identity.user.id)
        if back_to_form() or "edit" in request.form:
            return _create_page(form, found, files)
        if not valid or form.files.errors:
            return _create_page(form, found, files), 422
        if "create" not in request.form:
            return _confirmation_page(form, found, files)
        try:
            ticket = rules.create(
                db.session(),
                form.values(),
                subject=found,
                files=[each.id for each in files],
                notice=notice(),
                now=clock.utc_now(),
                by=actor(),
            )
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return _create_page(form, _subject(), files), 422
        flash_success(gettext("The ticket “%(title)s” has been created.", title=ticket.title))
        return redirect(url_for("TicketView.list"))

    @returns_to_form
    @expose("/<string:ticket_id>/update", methods=["GET", "POST"])
    @has_access
    def update(self, ticket_id: str) -> Any:
        """Reply to a ticket, change its priority, close it or open it again."""
        return self.respond(ticket_id)

    def offer(self, form: ReplyForm, ticket: Ticket) -> None:
        """Set the states that a partner can choose."""
        form.offer(rules.partner_states(ticket.state))

    def after_conflict(self, form: ReplyForm, ticket: Ticket) -> None:
        """Choose the new state, because the old choice may not be possible any more."""
        self.offer(form, ticket)
        form.state.data = ticket.state


def _subject() -> Subject:
    """Return what the page was opened for; what is invalid, of another tenant or deleted is left out."""
    given = {name: request.values.get(name) for name in _ABOUT}
    try:
        alert_at = datetime.fromisoformat(given["alert_at"] or "")
    except ValueError:
        alert_at = None
    found = subject.find(
        db.session(),
        customer_id=given["customer"],
        utm_id=key_or_none(given["utm"]),
        alert_seq=key_or_none(given["alert"]),
        alert_at=alert_at if alert_at is not None and alert_at.tzinfo is not None else None,
    )
    gone = found.customer is None or found.customer.deleted_at is not None
    return Subject() if gone else found


def _hidden(found: Subject) -> list[tuple[str, str]]:
    alert = found.alert
    pairs = (
        ("customer", found.customer and found.customer.id),
        ("utm", found.utm and found.utm.id),
        ("alert", alert and alert.seq),
        ("alert_at", alert and alert.occurred_at.isoformat()),
    )
    return [(name, str(value)) for name, value in pairs if value]


def _facts(found: Subject) -> list[tuple[Any, Any, str]]:
    return [(COLUMN_LABELS[name], FORMATS[name].cell(value), "") for name, value in about(found).items() if value]


def _create_page(form: TicketForm, found: Subject, files: Sequence[TicketFile] = ()) -> str:
    return render(
        "tickets/create.html",
        form=form,
        files=[shown_file(each) for each in files],
        hidden=_hidden(found),
        facts=_facts(found),
        title=gettext("Create ticket"),
        crumbs=TicketView.of().crumbs(leaf=gettext("Create ticket")),
    )


def _confirmation_page(form: TicketForm, found: Subject, files: Sequence[TicketFile]) -> str:
    typed = [
        (form[name].label.text, FORMATS[name].cell(form[name].data) if name in FORMATS else form[name].data, "")
        for name in ("title", "service", "kind", "priority", "body")
    ]
    return render(
        "tickets/confirm.html",
        files=[shown_file(each) for each in files],
        values=[(name, form[name].data) for name in ("title", "service", "kind", "priority", "body")],
        hidden=_hidden(found),
        facts=[*typed, *_facts(found)],
        title=gettext("Create ticket"),
        crumbs=TicketView.of().crumbs(leaf=gettext("Create ticket")),
    )
