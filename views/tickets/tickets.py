"""問合せ (§11.1): the tickets of the tenant, and the page of each with its thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import url_for
from flask_babel import gettext, lazy_gettext

from models.db import db
from models.errors import N_
from models.tickets import subject
from models.tickets.ticket import Ticket
from views.base import url_if
from views.data_interface import PortalInterface
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Button
from views.tickets import filters
from views.tickets.labels import COLUMN_LABELS, FORMATS, ONLY_IN_THREAD, SEEN_ON_PAGE
from views.tickets.thread import about, thread, window_details


class TicketView(Screen):
    """The tickets of the tenant."""

    datamodel = PortalInterface(Ticket)
    labels = Labels(
        lazy_gettext("ticket"),
        lazy_gettext("Tickets"),
        "ticket",
        {
            "empty": N_("There is no ticket yet."),
            "empty_hint": N_("Ask NEC a question with a ticket."),
            "show_all": N_("Show all tickets"),
        },
    )
    methods = frozenset({"list", "show"})
    route_base = "/tickets"
    row_rule = "<string:ticket_id>"
    class_permission_name = "Tickets"
    named_by = "title"
    show_template = "tickets/show.html"
    history_without = ONLY_IN_THREAD
    # The tenant's people do not see who of NEC's staff is to answer, and since when the queue has the ticket.
    history_omits = (*SEEN_ON_PAGE, "assignee_id", "asked_at")
    base_order = ("created_at", "desc")
    list_columns: ClassVar = ["id", "title", "kind", "state", "created_at", "updated_at"]
    file_columns: ClassVar = [
        *("id", "title", "service", "kind", "priority", "state", "author_name", "created_at", "updated_at"),
        *("customer_id", "alert_id"),
    ]
    link_column = "title"
    filters = (*filters.STATE_AND_TITLE, *filters.OTHERS)
    show_fieldsets: ClassVar = [
        (
            None,
            {
                "fields": [
                    "id",
                    "title",
                    "service",
                    "kind",
                    "priority",
                    "state",
                    "author_name",
                    "created_at",
                    "updated_at",
                ],
                "more": ["customer", "utm", "alert"],
            },
        )
    ]
    label_columns: ClassVar = COLUMN_LABELS
    formatters_columns: ClassVar = FORMATS

    def details(self, row: Ticket) -> Any:
        """Return the details of a ticket, with what it is about."""
        found = about(subject.of_ticket(db.session(), row), row)
        [(title, facts, _)] = super().details(row)
        shown = [(self.label_of(name), self.formats[name].cell(value), "") for name, value in found.items() if value]
        return [(title, [*facts, *shown], [])]

    def window_details(self, row: Ticket) -> Sequence[str]:
        """Return the ID of a ticket and its customer, because many tickets have the same title."""
        return window_details(self.rows_session(), row)

    def value(self, row: Ticket, name: str) -> Any:
        """Return the value of a column; what a ticket is about is in ``details``."""
        return None if name in {"customer", "utm", "alert"} else super().value(row, name)

    def add_buttons(self) -> list[Button]:
        """Return the button that creates a ticket."""
        url = url_if("can_create", "Tickets", "TicketFormView.create")
        return [Button(gettext("Create ticket"), url, "plus", css="btn btn-primary")] if url else []

    def buttons(self, row: Ticket, back: dict[str, str]) -> list[Button]:
        """Return the button 更新 of a row."""
        url = self._update_url(row, back)
        name = gettext("Update %(name)s", name=row.title)
        return [Button(gettext("Update"), url, "", name, css="btn btn-sm")] if url else []

    def page_buttons(self, row: Ticket) -> list[Button]:
        """Return the button 更新 of a ticket's page."""
        url = self._update_url(row, self.back_argument())
        return [Button(gettext("Update"), url, "pencil", css="btn btn-primary")] if url else []

    @staticmethod
    def _update_url(row: Ticket, back: dict[str, str]) -> str | None:
        return url_if("can_update", "Tickets", "TicketFormView.update", ticket_id=row.id, **back)

    def thread(self, row: Ticket) -> list[dict[str, Any]]:
        """Return the messages of a ticket for the template."""
        return thread(
            db.session(), row, lambda file: url_for("TicketFormView.file", ticket_id=row.id, file_key=file.id)
        )
