"""Screens of tickets (§11)."""

from __future__ import annotations

from flask import g

from models.errors import N_
from views.register import MenuEntry, Place, RateLimit, Rights
from views.tickets.pages import TicketFormView
from views.tickets.staff import StaffTicketFormView, StaffTicketView
from views.tickets.tickets import TicketView

SCREENS = (TicketView, TicketFormView, StaffTicketView, StaffTicketFormView)
RIGHTS = {
    "Tickets": Rights(
        N_("Tickets"),
        read=("can_list", "can_show"),
        write=("can_create", "can_update"),
        labels={"can_create": N_("Create a ticket"), "can_update": N_("Reply to and close tickets")},
    ),
    "StaffTickets": Rights(
        N_("Manage tickets"),
        staff=("can_list", "can_show", "can_answer"),
        labels={"can_answer": N_("Answer and assign tickets")},
    ),
}
MENU = (
    MenuEntry(
        Place.SIDE,
        61,
        N_("Tickets"),
        "TicketView.list",
        ("can_list", "Tickets"),
        "ticket",
        ("TicketView", "TicketFormView"),
    ),
    MenuEntry(
        Place.STAFF,
        55,
        N_("Manage tickets"),
        "StaffTicketView.list",
        ("can_list", "StaffTickets"),
        "ticket",
        ("StaffTicketView", "StaffTicketFormView"),
    ),
)
UPLOADS = ("TicketFormView.create", "TicketFormView.update", "StaffTicketFormView.answer")
LARGE_UPLOADS = UPLOADS


def _user() -> str:
    """Return the key of the rate limit: the user, because colleagues share an IP address."""
    return f"tickets of user {g.identity.user.id}"


RATE_LIMITS = (RateLimit("TicketFormView", "TICKET_RATE_LIMIT", methods=("POST",), key=_user),)
