"""問合せ管理: the tickets of all tenants, as a queue of NEC's staff, and the form with which they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import g, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session, joinedload

from models.accounts.user import User
from models.db import db
from models.errors import N_
from models.tenants.tenant import tenant_names
from models.tickets import rules, subject
from models.tickets.ticket import QUEUE_ORDER, Ticket
from views.base import url_if
from views.confirmation import returns_to_form
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.filters import Choice, IdPart
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.screen.table import ICON_BUTTON, Button, Table
from views.tickets import filters
from views.tickets.forms import AnswerForm
from views.tickets.labels import COLUMN_LABELS, FORMATS, ONLY_IN_THREAD, SEEN_ON_PAGE
from views.tickets.thread import about, thread, window_details, without_links
from views.tickets.update import TicketUpdateView
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
    history_without = ONLY_IN_THREAD
    history_omits = SEEN_ON_PAGE
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

    def prepare_file(self, session: Session) -> None:
        """Read the names of the tenants."""
        g.tenant_names = tenant_names(session)

    def row_to_show(self, pk: Any) -> Ticket:
        """Return the ticket of a page."""
        g.tenant_names = tenant_names(self.rows_session())
        row: Ticket = super().row_to_show(pk)
        return row

    def window_details(self, row: Ticket) -> Sequence[str]:
        """Return the ID of a ticket and its customer, because many tickets have the same title."""
        return window_details(self.rows_session(), row)

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

    def recorded(self, name: str, value: Any) -> str:
        """Return a value of the audit log as displayed to the user: the assignee by name, the key of a deleted one."""
        found = db.session.get(User, value) if name == "assignee_id" and value is not None else None
        return str(found.get_full_name()) if found is not None else super().recorded(name, value)

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


class StaffTicketFormView(TicketUpdateView):
    """The form of NEC's staff."""

    route_base = "/staff/tickets"
    class_permission_name = "StaffTickets"
    tenantless = True
    tickets = StaffTicketView
    form_class = AnswerForm
    title = N_("Answer or change")
    changed = ("state", "priority", "assignee_id")
    rule = staticmethod(rules.answer)

    @returns_to_form
    @expose("/<string:ticket_id>/answer", methods=["GET", "POST"])
    @has_access
    def answer(self, ticket_id: str) -> Any:
        """Answer a ticket, change its status or priority, or assign it."""
        return self.respond(ticket_id)

    def offer(self, form: AnswerForm, ticket: Ticket) -> None:
        """Set the people that can be assigned."""
        form.offer(rules.assignable(db.session()))


def _answer_url(row: Ticket, back: dict[str, str]) -> str | None:
    return url_if("can_answer", "StaffTickets", "StaffTicketFormView.answer", ticket_id=row.id, **back)
