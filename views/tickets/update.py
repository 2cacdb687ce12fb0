"""The form with which a ticket is updated: a partner's reply (``pages``), or an answer of NEC's staff (``staff``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from flask import g, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models import clock
from models.errors import Conflict, DomainError
from models.tickets.ticket import Ticket
from models.tickets.ticket_file import TicketFile
from views.base import PortalView, actor, render
from views.confirmation import back_to_form
from views.flashes import flash_success
from views.forms.errors import add_error
from views.screen.conflict import compared, differing
from views.screen.screen import Screen
from views.tickets.labels import FORMATS
from views.tickets.thread import download, notice, shown_file


class TicketUpdateView(PortalView):
    """The base class of the two forms. A subclass exposes ``respond`` under a route of its own."""

    tickets: ClassVar[type[Screen]]
    """The screen of the ticket."""

    form_class: ClassVar[type]
    """A form with the fields ``body``, ``files`` and ``version``, and those of ``changed``."""

    title: ClassVar[str]
    """The title of the page, marked for translation."""

    changed: ClassVar[Sequence[str]]
    """The names of what can be changed of a ticket."""

    rule: ClassVar[Callable[..., None]]
    """The rule that saves the form."""

    def rows_session(self) -> Session:
        """Return the session of the ticket."""
        session: Session = self.tickets.of().rows_session()
        return session

    def offer(self, form: Any, ticket: Ticket) -> None:
        """Set the choices of a form."""
        raise NotImplementedError

    def after_conflict(self, form: Any, ticket: Ticket) -> None:
        """Adapt a form to a ticket that somebody else has changed."""

    def respond(self, ticket_id: str) -> Any:
        """Show the form, or save it and return to the ticket's page."""
        screen = self.tickets.of()
        ticket = screen.row_to_show(ticket_id)
        if request.method == "GET":
            return self._page(self._stored(ticket), ticket)
        form = self.form_class()
        self.offer(form, ticket)
        valid = form.validate()
        files = form.receive(ticket.tenant_id, g.identity.user.id)
        if back_to_form():
            return self._page(form, ticket, files)
        if not valid or form.files.errors:
            return self._page(form, ticket, files), 422
        try:
            type(self).rule(
                self.rows_session(),
                ticket,
                form.values(),
                files=[each.id for each in files],
                version=form.version.shown,
                notice=notice(),
                now=clock.utc_now(),
                by=actor(),
            )
        except Conflict:
            self.rows_session().rollback()
            ticket = screen.row_to_show(ticket_id)
            found = differing(
                (
                    form[name].label.text,
                    _text(form, name, getattr(ticket, name)),
                    _text(form, name, form[name].data),
                )
                for name in self.changed
            )
            form.version.data = str(ticket.version)
            self.after_conflict(form, ticket)
            return self._page(form, ticket, files, conflict=compared(found)), 409
        except DomainError as error:
            self.rows_session().rollback()
            add_error(form, error)
            return self._page(form, screen.row_to_show(ticket_id), files), 422
        flash_success(gettext("The ticket “%(title)s” has been updated.", title=ticket.title))
        return redirect(screen.page_of(ticket))

    @expose("/<string:ticket_id>/files/<key:file_key>")
    @has_access
    @permission_name("show")
    def file(self, ticket_id: str, file_key: int) -> Response:
        """Return a file of a ticket."""
        return download(self.rows_session(), self.tickets.of().row_or_404(ticket_id), file_key)

    def _stored(self, ticket: Ticket) -> Any:
        data = {name: getattr(ticket, name) for name in self.changed} | {"version": str(ticket.version)}
        form = self.form_class(formdata=None, data=data)
        self.offer(form, ticket)
        return form

    def _page(self, form: Any, ticket: Ticket, files: Sequence[TicketFile] = (), conflict: Any = None) -> str:
        screen = self.tickets.of()
        title = gettext(self.title)
        return render(
            "tickets/update.html",
            form=form,
            fields=self.changed,
            files=[shown_file(each) for each in files],
            messages=screen.thread(ticket),
            conflict=conflict,
            title=f"{title}: {ticket.title}",
            window_details=screen.window_details(ticket),
            crumbs=screen.crumbs(ticket, title),
            cancel_url=screen.page_of(ticket),
        )


def _text(form: Any, name: str, value: Any) -> str:
    return str(FORMATS[name].text(value)) if name in FORMATS else form.display_value(name, value)
