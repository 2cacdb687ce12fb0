"""The search fields that the lists of tickets have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import exists

from models.tickets.ticket import BODY_LENGTH, TITLE_LENGTH, Ticket, TicketMessage
from views.screen.filters import Choice, DaysOfTimes, Filter, IdPart, Part
from views.tickets.labels import KINDS, PRIORITIES, STATES


class ThreadText(Part):
    """A part of a message of the thread."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
        found = super().read(TicketMessage, label, args)
        if found.condition is None:
            return found
        return replace(found, condition=exists().where(TicketMessage.ticket_id == Ticket.id, found.condition))


STATE_AND_TITLE = (
    Choice("state", labels=STATES, beside=True),
    Part("title", most=TITLE_LENGTH, beside=True),
)
OTHERS = (
    IdPart("id", most=9, placeholder="TC0000001"),
    Choice("kind", labels=KINDS),
    Choice("priority", labels=PRIORITIES),
    ThreadText("text", column="body", most=min(250, BODY_LENGTH)),
    DaysOfTimes("created_at"),
)
