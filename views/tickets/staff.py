"""問合せ管理: the tickets of all tenants, as a queue of NEC's staff, and the form with which they answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from models import clock
from models.db import db
from models.errors import N_, Conflict, DomainError
from models.tenants.tenant import tenant_names
from models.tickets import rules, subject
from models.tickets.ticket import QUEUE_ORDER, Ticket
from models.tickets.ticket_file import TicketFile
from views.base import PortalView, actor, render, url_if
from views.data_interface import PortalInterface
from views.flashes import flash_success
from views.forms.errors import add_error
from views.question import back_to_form, returns_to_form
from views.reading import reading_stream
from views.screen import formats
from views.screen.conflict import compared, differing
from views.screen.filters import Choice, IdPart
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.screen.table import ICON_BUTTON, Button, Table
from views.tickets import filters
from views.tickets.forms import AnswerForm
from views.tickets.thread import about, download, notice, shown_file, thread, without_links
from views.tickets.words import COLUMN_LABELS, FORMATS
from views.transaction import cross_tenant_session

_REASON = "NEC's staff answer the tickets of all tenants"
_NOBODY = "none"


def _session() -> Session:
    return cross_tenant_session(_REASON)


def _assignees() -> Mapping[str, Any]:
    staff = {str(each.id): each.get_full_name() for each in rules.assignable(db.session())}
    return {_NOBODY: lazy_gettext("Not assigned"), **staff}


def _is_assigned_to(value: str) -> Any:
    return Ticket.assignee_id.is_(None) if value == _NOBODY else Ticket.assignee_id == int(value)


class StaffTicketView(Screen):
    """The tickets of all tenants: what NEC has to act on first, the most urgent and then the longest waiting before the others."""

    datamodel = PortalInterface(Ticket, options=(joinedload(Ticket.assignee),))
    labels = Labels(
        lazy_gettext("ticket"),
        lazy_gettext("Manage tickets"),
        "ticket",
        {"empty": N_("There is no ticket yet."), "show_all": N_("Show all tickets")},
    )
    methods = frozenset({"list", "show"})
    route_base = "/staff/tickets"
    row_rule = "<string:ticket_id>"
    class_permission_name = "StaffTickets"
    named_by = "title"
    tenantless = True
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    show_template = "tickets/show.html"
    base_order = ("asked_at", "asc")
    link_column = "title"
    list_columns: ClassVar = ["id", "title", "tenant", "priority", "state", "assignee", "asked_at"]
    order_columns: ClassVar = ["id", "title", "state", "asked_at"]
    file_columns: ClassVar = [
        *("id", "title", "tenant_id", "tenant_name", "service", "kind", "priority", "state", "assignee"),
        *("author_name", "created_at", "asked_at", "updated_at"),
    ]
    filters = (
        *filters.STATE_AND_TITLE,
        IdPart("tenant_id", lazy_gettext("Tenant ID"), most=8, beside=True),
        Choice("assignee_id", lazy_gettext("Assignee"), labels=_assignees, on=_is_assigned_to),
        *filters.OTHERS,
    )
    show_fieldsets: ClassVar = [
        (
            None,
            {
                "fields": [
                    *("id", "title", "tenant", "service", "kind", "priority", "state", "assignee", "asked_at"),
                    *("author_name", "created_at", "updated_at"),
                ],
            },
        )
    ]
    label_columns: ClassVar = {
        **COLUMN_LABELS,
        "assignee": lazy_gettext("Assignee"),
        "tenant": lazy_gettext("Tenant"),
        "tenant_id": lazy_gettext("Tenant ID"),
        "tenant_name": lazy_gettext("Tenant name"),
    }
    formatters_columns: ClassVar = {
        **FORMATS,
        "tenant": formats.TEXT,
        "tenant_name": formats.TEXT,
        "assignee": formats.TEXT,
    }

    def rows_session(self) -> Session:
        """Return the session that reads the tickets of all tenants."""
        return _session()

    def table(self, rows: Sequence[Ticket], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of tickets with the names of their tenants."""
        g.tenant_names = tenant_names(self.rows_session())
        return super().table(rows, columns, css="dense", **options)

    def _cells(self, query: Any, info: dict[str, Any]) -> Iterator[list[str]]:
        """Yield the cells of each row of the file."""
        with reading_stream(info) as session:
            g.tenant_names = tenant_names(session)
        yield from super()._cells(query, info)

    def row_to_show(self, pk: Any) -> Ticket:
        """Return the ticket of a page."""
        g.tenant_names = tenant_names(self.rows_session())
        row: Ticket = super().row_to_show(pk)
        return row

    def value(self, row: Ticket, name: str) -> Any:
        """Return what a column shows of a ticket."""
        match name:
            case "tenant":
                return f"{row.tenant_id} {g.tenant_names.get(row.tenant_id, '')}"
            case "tenant_name":
                return g.tenant_names.get(row.tenant_id)
            case "assignee":
                return row.assignee.get_full_name() if row.assignee is not None else None
            case _:
                return super().value(row, name)

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query in an order; the default one is that of the queue."""
        if (sort, direction) == self.base_order:
            return query.order_by(*QUEUE_ORDER)
        return super().ordered(query, sort, direction)

    def details(self, row: Ticket) -> Any:
        """Return the details of a ticket, with what it is about."""
        found = without_links(about(subject.of_ticket(self.rows_session(), row), row))
        [(title, facts, more)] = super().details(row)
        labels = self.label_columns
        shown = [(labels[name], FORMATS[name].cell(value), "") for name, value in found.items() if value]
        return [(title, [*facts, *shown], more)]

    def buttons(self, row: Ticket, back: dict[str, str]) -> list[Button]:
        """Return the button that opens the form for an answer."""
        url = _answer_url(row, back)
        return [Button("", url, "pencil", gettext("Answer %(name)s", name=row.title), css=ICON_BUTTON)] if url else []

    def page_buttons(self, row: Ticket) -> list[Button]:
        """Return the buttons of a ticket's page: one for an answer, and one that opens its customer in its tenant."""
        found = []
        if row.customer_id is not None:
            values = {"tenant_id": row.tenant_id, "customer_id": row.customer_id}
            found.append(
                Button(gettext("Open the customer in its tenant"), url_for("TenantView.open"), "building", "", values)
            )
        url = _answer_url(row, self.back_argument())
        if url:
            found.append(Button(gettext("Answer or change"), url, "pencil", css="btn btn-primary"))
        return found

    def thread(self, row: Ticket) -> list[dict[str, Any]]:
        """Return the messages of a ticket for the template."""
        return thread(
            self.rows_session(),
            row,
            lambda file: url_for("StaffTicketFormView.file", ticket_id=row.id, file_key=file.id),
        )


class StaffTicketFormView(PortalView):
    """The form of NEC's staff."""

    route_base = "/staff/tickets"
    class_permission_name = "StaffTickets"
    tenantless = True

    @returns_to_form
    @expose("/<string:ticket_id>/answer", methods=["GET", "POST"])
    @has_access
    def answer(self, ticket_id: str) -> Any:
        """Answer a ticket, change its status or priority, or assign it."""
        screen = StaffTicketView.of()
        ticket = screen.row_to_show(ticket_id)
        if request.method == "GET":
            return _page(_stored(ticket), ticket)
        form = AnswerForm()
        form.offer(rules.assignable(db.session()))
        valid = form.validate()
        files = form.receive(ticket.tenant_id, g.identity.user.id)
        if back_to_form():
            return _page(form, ticket, files)
        if not valid or form.files.errors:
            return _page(form, ticket, files), 422
        try:
            rules.answer(
                _session(),
                ticket,
                form.values(),
                files=[each.id for each in files],
                version=form.version.shown,
                notice=notice(),
                now=clock.utc_now(),
                by=actor(),
            )
        except Conflict:
            _session().rollback()
            ticket = screen.row_to_show(ticket_id)
            found = differing(
                (
                    form[name].label.text,
                    form.display_value(name, getattr(ticket, name)),
                    form.display_value(name, form[name].data),
                )
                for name in ("state", "priority", "assignee_id")
            )
            form.version.data = str(ticket.version)
            return _page(form, ticket, files, conflict=compared(found)), 409
        except DomainError as error:
            _session().rollback()
            add_error(form, error)
            return _page(form, screen.row_to_show(ticket_id), files), 422
        flash_success(gettext("The ticket “%(title)s” has been updated.", title=ticket.title))
        return redirect(screen.page_of(ticket))

    @expose("/<string:ticket_id>/files/<key:file_key>")
    @has_access
    @permission_name("show")
    def file(self, ticket_id: str, file_key: int) -> Response:
        """Return a file of a ticket."""
        return download(_session(), StaffTicketView.of().row_or_404(ticket_id), file_key)


def _answer_url(row: Ticket, back: dict[str, str]) -> str | None:
    return url_if("can_answer", "StaffTickets", "StaffTicketFormView.answer", ticket_id=row.id, **back)


def _stored(ticket: Ticket) -> AnswerForm:
    names = ("state", "priority", "assignee_id")
    form = AnswerForm(
        formdata=None, data={name: getattr(ticket, name) for name in names} | {"version": str(ticket.version)}
    )
    form.offer(rules.assignable(db.session()))
    return form


def _page(form: AnswerForm, ticket: Ticket, files: Sequence[TicketFile] = (), conflict: Any = None) -> str:
    screen = StaffTicketView.of()
    title = gettext("Answer or change")
    return render(
        "tickets/update.html",
        form=form,
        fields=["state", "priority", "assignee_id"],
        files=[shown_file(each) for each in files],
        messages=screen.thread(ticket),
        conflict=conflict,
        title=f"{title}: {ticket.title}",
        crumbs=screen.crumbs(ticket, title),
        cancel_url=screen.page_of(ticket),
    )
